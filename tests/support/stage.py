"""Both clients with the sandbox's people: for budgets, attacks and tours."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from support.exchange import DeviceKeys, an_answer
from support.trail import Trail

from patient_app.service import Device
from patient_app.settings import DeviceSettings
from patient_app.vault import KdfParameters, vault
from services.consult.messages import Answer, Citation, Level, ModelCardRef, Sentence
from services.fhir.sandbox import generate
from services.hospital.desk import URGENCY_RANK
from services.hospital.models import Referral, User
from services.hospital.service import Hospital
from services.hospital.settings import HospitalSettings

PASSWORD = "a long enough password"
PERSON = "p07"
"""Whose record is on the device, and whom the clinician treats."""
NAMES = {"ana": "Dr. Ana Ruiz", "omar": "Omar Diaz", "pia": "Pia Roth", "ada": "Ada Quinn"}
STAFF = {"ana": "clinician", "omar": "operator", "pia": "privacy", "ada": "admin"}
SAID = "Rest and drink enough water every day."
CITATION = Citation(
    id="flu#care",
    title="Influenza",
    source="Caretier primary care pack",
    url="https://example.org/flu",
    date="2026-10-01",
    quote=SAID,
)
DRAFT = an_answer(
    text=SAID,
    tier=Level.HOSPITAL,
    model=ModelCardRef(name="record-rules", digest="d1"),
    sentences=(Sentence(text=SAID, citations=(CITATION.id,)),),
    citations=(CITATION,),
)


@contextmanager
def staffed(folder: Path) -> Iterator[Hospital]:
    """A hospital with one user of each role, and nothing in it yet."""
    made = Hospital(HospitalSettings(data=folder / "hospital", second_factor="optional"))
    made.intake.audit = Trail()
    for user, role in STAFF.items():
        acts = ["Practitioner/ana"] if role == "clinician" else []
        made.accounts.add_user(user, PASSWORD, NAMES[user], role, acts_as=acts)
    try:
        yield made
    finally:
        made.database.close()


def account(hospital: Hospital, username: str) -> User:
    """Somebody who has an account."""
    return next(user for user in hospital.accounts.users() if user.username == username)


def admit(hospital: Hospital, people: Sequence[dict[str, Any]]) -> None:
    """Put records into a hospital; ``ana`` treats everybody of them."""
    treated = [dict(one) for one in people]
    for one in treated:
        if one["resourceType"] == "Patient":
            one["generalPractitioner"] = [{"reference": "Practitioner/ana"}]
    everything = [*treated, {"resourceType": "Practitioner", "id": "ana"}]
    assert not hospital.records.put_many(everything).rejected


@contextmanager
def a_hospital(folder: Path) -> Iterator[Hospital]:
    """A hospital with one user of each role; ``ana`` treats everybody of the sandbox."""
    with staffed(folder) as made:
        admit(made, generate())
        yield made


def lay(
    hospital: Hospital,
    text: str = "Is it flu?",
    *,
    draft: Answer | None = DRAFT,
    urgency: str = "routine",
    waited: timedelta = timedelta(minutes=12),
    **question: Any,
) -> str:
    """Lay a referral on the desk, ``question`` with what else was asked; gives its id."""
    made = DeviceKeys().refer(text, hospital.keys, **question)
    hospital.intake.accept(made.envelope, "CLINIC")
    seal = hospital.desk.seal
    with hospital.database.transaction() as session:
        session.add(
            Referral(
                id=made.id,
                urgency=urgency,
                urgency_rank=URGENCY_RANK[urgency],
                reason="not-covered",
                question=seal(made.id, "question", made.question.model_dump_json()),
                draft=seal(made.id, "draft", draft.model_dump_json()) if draft else None,
                state="open",
                language=made.question.person.language,
                drafted=draft is not None,
                received=datetime.now(UTC) - waited,
            )
        )
    return made.id


@contextmanager
def a_device(folder: Path, people: tuple[str, ...] = (PERSON,)) -> Iterator[Device]:
    """A device with a vault for each person, and in it their record of the sandbox."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CARETIER_ANCHORS", str(folder / "anchors"))
        cheap = KdfParameters(memory_kib=64, passes=1, lanes=1)
        patch.setattr(vault, "KdfParameters", lambda: cheap)
        made = Device(DeviceSettings(data=folder / "device"))
        for person in people:
            made.add(person, PASSWORD).import_record(record_of(person))
        try:
            yield made
        finally:
            for person in list(made.members):
                made.lock(person)


def record_of(person: str) -> list[dict[str, object]]:
    """What the sandbox holds of one person."""
    about = f'"Patient/{person}"'
    return [
        one for one in generate() if one["id"] == person or about in repr(one).replace("'", '"')
    ]
