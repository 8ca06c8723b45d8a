"""What comes from another record replaces what came from there before, and nothing else."""

from __future__ import annotations

import pytest

from compliance.audit import AuditError, AuditTrail
from patient_app.connect.errors import LaunchOverError, NoPlaceError
from patient_app.connect.reading import Read
from patient_app.connect.service import Connections
from patient_app.connect.storing import KIND, put, store
from patient_app.errors import OtherPersonError
from patient_app.member import Member
from services.fhir.client import Failure

RECORDS = "City Hospital|https://ehr.example.org/fhir|device"
OWN = {
    "resourceType": "Patient", "id": "p01", "birthDate": "1980-02-03",
    "name": [{"family": "Example"}],
}  # fmt: skip


def condition(id_: str, text: str = "Asthma") -> dict:
    return {
        "resourceType": "Condition",
        "id": id_,
        "code": {"text": text},
        "subject": {"reference": "Patient/9"},
    }


def read_of(*resources: dict, whole: tuple[str, ...] = ("Condition",), **patient: str) -> Read:
    read = Read(whole=set(whole))
    read.add({**OWN, "id": "9", **patient})
    for resource in resources:
        read.add(resource)
    return read


@pytest.fixture
def member(tmp_path):
    made = Member.create(tmp_path / "me", "a long enough passphrase")
    yield made
    made.vault.close()


@pytest.fixture
def connections(tmp_path):
    return Connections(RECORDS, AuditTrail.open(tmp_path, "device", node="device"))


@pytest.fixture
def place(connections, member):
    (found,) = connections.places.values()
    grant = {"access": "a", "ends": 0.0, "scope": "", "refresh": "r", "patient": "9", "extra": {}}
    row = {
        "keys": [], "grant": grant, "token_url": "", "revoke_url": None, "since": "", "read": None,
        "failures": [],
    }  # fmt: skip
    put(member, found.id, row)
    return found


def stored(member: Member) -> set[str]:
    return {key for key, _ in member.vault.items("record")}


def test_a_second_reading_replaces_the_first_and_drops_what_is_gone(member, place):
    store(member, place, "9", read_of(condition("1"), condition("2")))
    assert len(stored(member)) == 3
    store(member, place, "9", read_of(condition("2", "Resolved asthma")))
    conditions = [r for r in member.resources() if r["resourceType"] == "Condition"]
    assert [c["code"]["text"] for c in conditions] == ["Resolved asthma"]


def test_what_could_not_be_read_this_time_stays(member, place):
    store(member, place, "9", read_of(condition("1")))
    broken = read_of(whole=())
    broken.failures.append(Failure("Condition", "http-500", passing=True))
    store(member, place, "9", broken)
    assert f"Condition/{place.id}.1" in stored(member)
    assert member.vault.get(KIND, place.id)["failures"] == ["Condition: http-500"]


def test_the_persons_own_record_is_left_alone_and_counts_as_theirs(member, place):
    member.import_record([OWN, condition("1", "Own")])
    store(member, place, "9", read_of(condition("1", "Theirs")))
    by_key = dict(member.vault.items("record"))
    assert by_key["Patient/p01"] == OWN
    assert by_key["Condition/1"]["code"]["text"] == "Own"
    theirs = by_key[f"Condition/{place.id}.1"]
    assert theirs["subject"]["reference"] == "Patient/p01"


def test_another_persons_record_is_not_taken(member, place):
    member.import_record([OWN])
    with pytest.raises(OtherPersonError):
        store(member, place, "9", read_of(condition("1"), birthDate="1999-01-01"))
    assert stored(member) == {"Patient/p01"}


@pytest.mark.parametrize(("keep", "left"), [(True, 2), (False, 0)])
async def test_disconnecting_keeps_or_removes_what_came(connections, member, place, keep, left):
    store(member, place, "9", read_of(condition("1")))
    await connections.disconnect(member, place.id, keep=keep)
    assert len(stored(member)) == left
    assert member.vault.get(KIND, place.id) is None
    with pytest.raises(NoPlaceError):
        await connections.disconnect(member, place.id, keep=keep)


async def test_nothing_is_read_that_cannot_be_written_down(connections, member, place, monkeypatch):
    def full(_event: object) -> None:
        raise AuditError("The audit trail cannot be written.")

    monkeypatch.setattr(connections._audit, "record", full)
    with pytest.raises(AuditError):
        connections.read(member, place.id)
    assert not connections.listing(member)[0]["busy"]


async def test_no_token_and_no_secret_stands_in_the_listing(connections, member, place):
    (told,) = connections.listing(member)
    assert told["connected"] is True
    assert "grant" not in told
    assert "token" not in str(told)


async def test_an_answer_without_a_beginning_is_refused(connections, member):
    with pytest.raises(LaunchOverError):
        await connections.finish(member, {"state": "forged", "code": "x"})
