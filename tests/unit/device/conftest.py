"""A device with cheap vaults, linked to a clinic and a hospital that exist as keys only."""

from __future__ import annotations

from typing import Any

import pytest
from support.exchange import an_answer

from compliance.audit import AuditTrail
from patient_app.disclosure import Discloser
from patient_app.member import Member
from patient_app.vault import KdfParameters, vault
from services.consult.messages import Level, Person, Question, Status
from services.consult.node import Outcome
from services.exchange.keys import NodeKeys

PASSPHRASE = "correct horse"


@pytest.fixture(autouse=True)
def cheap_vaults(monkeypatch):
    """Let a vault cost a guess next to nothing."""
    cheap = KdfParameters(memory_kib=64, passes=1, lanes=1)
    monkeypatch.setattr(vault, "KdfParameters", lambda: cheap)


@pytest.fixture(scope="session")
def clinic(tmp_path_factory):
    return NodeKeys.load_or_create(tmp_path_factory.mktemp("clinic"), name="C", level="clinic")


@pytest.fixture(scope="session")
def hospital(tmp_path_factory):
    return NodeKeys.load_or_create(tmp_path_factory.mktemp("hosp"), name="H", level="hospital")


@pytest.fixture
def member(tmp_path, clinic, hospital):
    """A person linked to both tiers; their vault is empty otherwise."""
    made = Member.create(tmp_path / "vaults" / "ana", PASSPHRASE)
    made.link_to("http://clinic.test", clinic.bundle(), hospital.bundle())
    yield made
    made.vault.close()


@pytest.fixture
def audit(tmp_path):
    return AuditTrail(tmp_path / "audit" / "device.jsonl", bytes(32), node="device")


@pytest.fixture
def discloser(deidentifier, audit):
    return Discloser(deidentifier, audit)


@pytest.fixture
def abstained():
    """Make (question, outcome) of a question that the device left open, kept as a consult."""

    def make(
        member: Member,
        text: str,
        *,
        to: Level = Level.CLINIC,
        person: Person | None = None,
        **question: Any,
    ) -> tuple[Question, Outcome]:
        asked = Question(text=text, person=person or Person(), **question)
        answer = an_answer(
            asked.id, status=Status.ABSTAINED, text="I do not know.", tier=Level.DEVICE
        )
        with member.vault.write() as tx:
            kept = {
                "question": text,
                "asked": "2026-11-21T10:00:00+00:00",
                "conversation": "talk",
                "answer": answer.model_dump(mode="json"),
            }
            tx.put("consult", asked.id, kept)
        return asked, Outcome(answer, to, "not-covered")

    return make
