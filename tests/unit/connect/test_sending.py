"""Answers go to a connected record only where it takes them, renamed for it, and once."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from compliance.audit import AuditTrail
from compliance.errors import BadInputError, DisclosureRefusedError
from patient_app.connect.errors import NoPlaceError
from patient_app.connect.sending import (
    SYSTEM,
    hand_over,
    may_send,
    may_take_back,
    named,
    take_back,
)
from patient_app.connect.service import Connections
from patient_app.connect.storing import put
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
    sent = named(RESPONSE, before=0, taken_back=0)
    assert await hand_over(there, sent, patient="9", place="abc", keys=keys) == "new"
    (made,) = there.made
    assert "MedicationRequest/7" in str(made)
    assert "abc.7" not in str(made)
    assert made["subject"] == made["source"] == {"reference": "Patient/9"}
    assert "id" not in made
    assert there.unless == f"identifier={SYSTEM}|{sent['identifier']['value']}"


def test_the_same_answers_have_one_name_and_others_have_another():
    first = named(RESPONSE, before=0, taken_back=0)
    assert first["status"] == "completed"
    assert named(first, before=0, taken_back=0) == first
    altered = named({**RESPONSE, "item": []}, before=1, taken_back=0)
    assert altered["status"] == "amended"
    again = named(RESPONSE, before=0, taken_back=1)
    assert len({str(one["identifier"]) for one in (first, altered, again)}) == 3


class Holding:
    """The other record, with answers in it."""

    def __init__(self, status: str) -> None:
        self.held = {**RESPONSE, "id": "9", "status": status, "meta": {"versionId": "4"}}
        self.written: list[tuple[str, str | None]] = []

    async def read(self, _kind, _id):
        return self.held

    async def update(self, resource, *, match):
        self.written.append((resource["status"], match))


async def test_answers_that_are_taken_back_are_marked_as_an_error_once():
    there = Holding("completed")
    await take_back(there, "9")
    assert there.written == [("entered-in-error", "4")]
    again = Holding("entered-in-error")
    await take_back(again, "9")
    assert again.written == []


async def test_an_entry_that_is_not_there_stops_it():
    there = Elsewhere()
    with pytest.raises(BadInputError):
        await hand_over(there, RESPONSE, patient="9", place="abc", keys=frozenset())
    assert there.made == []


@pytest.mark.parametrize(
    ("scope", "may"),
    [
        ("patient/*.rs patient/QuestionnaireResponse.c", False),
        ("patient/QuestionnaireResponse.c patient/QuestionnaireResponse.u", True),
        ("patient/QuestionnaireResponse.cu", True),
        ("patient/*.cruds", True),
        ("patient/*.write", True),
        ("user/QuestionnaireResponse.u", False),
    ],
)
def test_only_a_grant_to_alter_answers_lets_them_be_taken_back(scope, may):
    assert may_take_back(scope) is may


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
    put(member, place, {"keys": [], "grant": grant, "token_url": ""})
    member.set_profile({"local_only": local})
    monkeypatch.setattr(connections, "_client", lambda *_: SimpleNamespace())
    with pytest.raises(error):
        await connections.send(member, place, RESPONSE)
