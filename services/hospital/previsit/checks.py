"""What happens to a QuestionnaireResponse as it is written: validated, read for red flags."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.consult.messages import Person, Triage, Urgency
from services.consult.record import Record
from services.consult.triage import Triager
from services.fhir.access import Access
from services.fhir.errors import Fault, FhirInvalidError
from services.fhir.intake.answers import Item, answers
from services.fhir.intake.questionnaires import URL, questionnaires
from services.fhir.intake.stated import stated
from services.fhir.intake.validate import faults
from services.fhir.models import ResourceRow, TokenRow
from services.fhir.results import Entry, Issue
from services.fhir.writer import Check
from services.hospital.chart.source import read_record
from services.hospital.models import IntakeAlert
from services.store.database import Database

TRIAGE = "urn:caretier:triage"
_RANK = {Urgency.EMERGENCY: 0, Urgency.URGENT: 1, Urgency.ROUTINE: 2}
_MOST_FAULTS = 20
_MOST_TEXTS = 400
"""Most different texts of one response: each is read for red flags before it is stored."""


class Intakes:
    """Checks what callers write of visits to come.

    Args:
        database: of the hospital.
        triage: gives the red-flag rules; asked for at the first response.
    """

    def __init__(self, database: Database, triage: Callable[[], Triager]) -> None:
        self._database, self._triage = database, triage

    @property
    def checks(self) -> Mapping[str, Check]:
        """For `services.fhir.store.FhirStore`."""
        return {"QuestionnaireResponse": self.check}

    def check(self, session: Session, entry: Entry, _access: Access) -> Sequence[Issue]:
        """Validate a response and read it for red flags.

        Raises:
            FhirInvalidError: it does not answer its questionnaire.
        """
        response = entry.resource
        if response.get("status") == "entered-in-error":
            return ()
        questionnaire = _asked(session, str(response.get("questionnaire", "")))
        if questionnaire is not None:
            found = (*_subject(response, questionnaire), *faults(response, questionnaire))
            if found:
                raise FhirInvalidError(found[:_MOST_FAULTS])
        return self._flagged(session, entry, response)

    def _flagged(self, session: Session, entry: Entry, response: Item) -> Sequence[Issue]:
        patient = _patient(response)
        given = answers(response)
        texts = list(dict.fromkeys(text for one in given for text in stated(one)))
        if not texts:
            return ()
        if len(texts) > _MOST_TEXTS:  # other writers wait meanwhile
            rule = f"has more than {_MOST_TEXTS} answers in words: send it in parts"
            raise FhirInvalidError((Fault("QuestionnaireResponse.item", rule),))
        written = "\n".join(one.text for one in given if one.text)
        triage = self._read([*texts, written], self._person(patient, response))
        if triage.level is Urgency.ROUTINE:
            return ()
        if patient is not None:
            _lay(session, entry, patient, triage)
        return (_issue(triage),)

    def _read(self, texts: Sequence[str], person: Person) -> Triage:
        """The gravest of what triage says to each text; what somebody wrote is one of them."""
        triager = self._triage()
        found = [triager.assess(text, person) for text in texts if text]
        return min(found, key=lambda triage: _RANK[triage.level])

    def _person(self, patient: str | None, response: Item) -> Person:
        today = datetime.now(UTC).date()
        record = read_record(self._database, patient, today) if patient else None
        known = Record(record.resources, today=today).person() if record else Person()
        said = str(response.get("language", "")).partition("-")[0]
        language = said if said in {"en", "es"} else known.language
        return known.model_copy(update={"language": language})


def _asked(session: Session, canonical: str) -> Item | None:
    """The questionnaire that a response names; None for one that is not here."""
    url, _, version = canonical.partition("|")
    own = questionnaires().get(url)
    if own is not None:
        if version not in {"", own["version"]}:
            raise FhirInvalidError(
                (Fault("QuestionnaireResponse.questionnaire", "is of a version that is not here"),)
            )
        return own
    named = select(TokenRow.source_id).where(
        TokenRow.source_type == "Questionnaire", TokenRow.parameter == "url", TokenRow.code == url
    )
    query = select(ResourceRow.body).where(
        ResourceRow.type == "Questionnaire", ResourceRow.id.in_(named)
    )
    stored = [json.loads(body) for body in session.scalars(query)] if url else []
    return next((one for one in stored if version in {"", one.get("version")}), None)


def _subject(response: Item, questionnaire: Item) -> Iterator[Fault]:
    """Our own forms are about a Patient; nobody could read them otherwise."""
    if str(questionnaire.get("url")).startswith(URL) and _patient(response) is None:
        yield Fault("QuestionnaireResponse.subject", "is required: Patient/id")


def _patient(response: Item) -> str | None:
    kind, _, identity = str((response.get("subject") or {}).get("reference", "")).rpartition("/")
    return identity if kind.rpartition("/")[2] == "Patient" and identity else None


def _lay(session: Session, entry: Entry, patient: str, triage: Triage) -> None:
    """Lay an alert on the desk; a response that is sent anew is waiting anew."""
    row = session.get(IntakeAlert, entry.id) or IntakeAlert(id=entry.id)
    row.patient, row.level, row.rule = patient, triage.level.value, triage.rule
    row.received, row.seen, row.seen_by = datetime.now(UTC), None, None
    session.add(row)


def _issue(triage: Triage) -> dict[str, Any]:
    """What the sender is told at once."""
    advice = triage.advice or ""
    coding = {"system": TRIAGE, "code": triage.level.value}
    return {
        "severity": "warning",
        "code": "informational",
        "details": {"coding": [coding], "text": advice},
        "diagnostics": advice,
    }
