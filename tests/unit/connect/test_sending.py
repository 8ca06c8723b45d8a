"""Answers go to a connected record only where it takes them, renamed for it, and once."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from compliance.audit import AuditTrail
from compliance.errors import BadInputError, DisclosureRefusedError
from patient_app.connect.errors import NoPlaceError
from patient_app.connect.sending import SYSTEM, hand_over, may_send
from patient_app.connect.service import Connections, _put
from patient_app.member import Member
from services.fhir.client import FhirServerError

ENTRY = {
    "linkId": "medicines",
    "item": [{"linkId": "listed-medicine-entry", "answer": [
        {"valueReference": {"reference": "MedicationRequest/abc.7", "display": "Lisinopril"}}]}],
}  # fmt: skip
RESPONSE = {
    "resourceType": "QuestionnaireResponse", "id": "q1", "status": "completed",
    "subject": {"reference": "Patient/here"}, "source": {"reference": "Patient/here"},
    "item": [ENTRY],
}  # fmt: skip


class Elsewhere:
    """The other record's client."""

    def __init__(self, *there: str) -> None:
        self.there, self.made, self.unless = set(there), [], ""

    async def read(self, kind, id_):
        if f"{kind}/{id_}" not in self.there:
            raise FhirServerError("There is none.")
        return {}

    async def create(self, resource, *, unless):
        self.made.append(resource)
        self.unless = unless
        return {**resource, "id": "new"}


@pytest.mark.parametrize(
    ("scope", "may"),
    [
        ("patient/*.rs", False),
        ("patient/*.rs patient/QuestionnaireResponse.c", True),
        ("patient/*.cruds", True),
        ("patient/QuestionnaireResponse.rs", False),
        ("patient/QuestionnaireResponseX.c", False),
        ("user/QuestionnaireResponse.c", False),
        ("patient/QuestionnaireResponse.write launch", True),
        ("", False),
    ],
)
def test_only_a_grant_to_create_answers_lets_them_be_sent(scope, may):
    assert may_send(scope) is may


async def test_entries_and_person_are_called_what_they_are_called_there():
    there = Elsewhere("MedicationRequest/7")
    keys = {"MedicationRequest/abc.7"}
    assert await hand_over(there, RESPONSE, patient="9", place="abc", keys=keys) == "new"
    (made,) = there.made
    assert "MedicationRequest/7" in str(made)
    assert "abc.7" not in str(made)
    assert made["subject"] == made["source"] == {"reference": "Patient/9"}
    assert "id" not in made
    assert there.unless == f"identifier={SYSTEM}|q1"


async def test_an_entry_that_is_not_there_stops_it():
    there = Elsewhere()
    with pytest.raises(BadInputError):
        await hand_over(there, RESPONSE, patient="9", place="abc", keys=frozenset())
    assert there.made == []


@pytest.fixture
def member(tmp_path):
    made = Member.create(tmp_path / "me", "a long enough passphrase")
    yield made
    made.vault.close()


@pytest.mark.parametrize(
    ("case", "error"),
    [
        (("patient/*.rs", False), NoPlaceError),
        (("patient/QuestionnaireResponse.c", True), DisclosureRefusedError),
    ],
)
async def test_nothing_is_sent_without_a_grant_or_against_the_persons_will(
    tmp_path, member, monkeypatch, case, error
):
    scope, local = case
    trail = AuditTrail.open(tmp_path, "device", node="device")
    connections = Connections("City|https://ehr.example.org/fhir|device", trail)
    (place,) = connections.places
    grant = {"access": "a", "ends": 0.0, "scope": scope, "refresh": None, "patient": "9"}
    _put(member, place, {"keys": [], "grant": grant, "token_url": ""})
    member.set_profile({"local_only": local})
    monkeypatch.setattr(connections, "_client", lambda *_: SimpleNamespace())
    with pytest.raises(error):
        await connections.send(member, place, RESPONSE)
