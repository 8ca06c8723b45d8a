"""The record of an EHR comes in whole, stays up to date, and harms nothing that is here."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update
from support.quirky_ehr import people, weights

from compliance.audit import AuditError
from compliance.errors import BadInputError, NotFoundError
from services.fhir.client import FhirAwayError, FhirSignInError
from services.hospital.ehr.book import expect
from services.hospital.ehr.errors import EhrHeldError
from services.hospital.models import EhrAwaited, EhrConnection, EhrResource, EhrWatermark


def rows(place, table):
    with place.database.reading() as session:
        return list(session.scalars(select(table)))


@pytest.mark.parametrize("quirks", [{}, {"bulk": True}, {"listed": None}, {"obeyed": ()}])
async def test_everything_comes_in_and_is_called_after_its_source(place_of, quirks):
    place = place_of(**quirks)
    place.ehr.put_all([*people(23), *weights("p1", 30)])
    place.connect()
    outcome = await place.sync.sync("main")
    assert outcome.read == {"Patient": 23, "Observation": 30}
    assert (outcome.state, outcome.bulk) == ("ok", "bulk" in quirks)
    assert len(place.ids()) == 23
    observation = place.entry("Observation", "main-p1-w3").resource
    assert observation["subject"] == {"reference": "Patient/main-p1"}
    assert observation["meta"]["source"] == f"{place.ehr.base}/Observation/p1-w3"
    assert observation["valueQuantity"]["value"] == 73.5
    assert len(place.records.everything("main-p1")) == 31


async def test_ids_may_be_kept_and_then_nothing_of_a_resource_is_changed(place_of):
    place = place_of()
    sent = place.ehr.put(weights("p1", 1)[0])
    place.ehr.put_all(people(2))
    place.connect(keep_ids=True)
    await place.sync.sync("main")
    assert place.entry("Observation", "p1-w0").resource == sent


@pytest.mark.parametrize("prefix", [True, False])
async def test_absolute_references_of_the_server_lead_to_the_record_here(place_of, prefix):
    place = place_of(absolute=True)
    place.ehr.put_all([*people(2), *weights("p1", 1)])
    place.connect(keep_ids=not prefix)
    await place.sync.sync("main")
    here = "main-" if prefix else ""
    found = place.entry("Observation", f"{here}p1-w0").resource
    assert found["subject"]["reference"] == f"Patient/{here}p1"


async def test_only_what_changed_is_asked_for_afterwards(place_of):
    place = place_of()
    place.ehr.put_all(people(30))
    place.connect()
    await place.sync.sync("main")
    place.ehr.calls.clear()
    place.ehr.now = datetime.now(UTC) + timedelta(minutes=1)
    place.ehr.put({**people(1)[0], "gender": "male"})
    outcome = await place.sync.sync("main")
    assert outcome.read == {"Patient": 1}
    assert place.entry("Patient", "main-p0").resource["gender"] == "male"
    assert place.entry("Patient", "main-p0").version == 2
    assert place.entry("Patient", "main-p1").version == 1
    assert all("_lastUpdated=ge" in path for path in place.ehr.asked("Patient?"))


async def test_reading_everything_again_writes_nothing_new(place_of):
    place = place_of()
    place.ehr.put_all([*people(5), *weights("p1", 5)])
    place.connect()
    for _ in range(3):
        await place.sync.sync("main", "full")
    assert {place.entry("Patient", id_).version for id_ in place.ids()} == {1}


async def test_a_search_that_breaks_off_keeps_what_came_and_its_watermark(place_of):
    place = place_of(broken_page=1)
    place.ehr.put_all(people(25))
    place.connect()
    outcome = await place.sync.sync("main")
    assert outcome.state == "partial"
    assert len(place.ids()) == 10
    assert [row.ask for row in rows(place, EhrWatermark)] == ["Observation"]
    place.ehr.quirks.broken_page = None
    assert (await place.sync.sync("main")).state == "ok"
    assert len(place.ids()) == 25
    assert {row.ask for row in rows(place, EhrWatermark)} == {"Observation", "Patient"}


async def test_an_invalid_resource_is_awaited_and_comes_once_it_is_mended(place_of):
    place = place_of()
    place.ehr.put_all(people(2))
    place.ehr.put({"resourceType": "Patient", "id": "bad", "gender": "zzz"})
    place.connect()
    outcome = await place.sync.sync("main")
    assert [(f.what, f.code) for f in outcome.failures] == [("Patient/bad", "invalid")]
    assert [row.what for row in rows(place, EhrAwaited)] == ["Patient/bad"]
    place.ehr.resources["Patient", "bad"]["gender"] = "female"
    with place.database.transaction() as session:
        session.execute(update(EhrAwaited).values(due=datetime.now(UTC)))
    await place.sync.sync("main", "named")
    assert place.ids() == ["main-bad", "main-p0", "main-p1"]
    assert rows(place, EhrAwaited) == []


async def test_what_cannot_be_had_is_tried_less_and_less_often(place_of):
    place = place_of()
    place.ehr.put({"resourceType": "Patient", "id": "bad", "gender": "zzz"})
    place.connect()
    waits = []
    for _ in range(3):
        await place.sync.sync("main", "full")
        (row,) = rows(place, EhrAwaited)
        waits.append(row.due - datetime.now(UTC))
    assert waits[0] < waits[1] < waits[2]
    assert row.attempts == 3


async def test_a_resource_that_is_here_and_came_from_nowhere_is_not_overwritten(place_of):
    place = place_of()
    place.ehr.put({**people(1)[0], "gender": "male"})
    place.records.put({**people(1)[0], "gender": "other"})
    place.connect(keep_ids=True)
    outcome = await place.sync.sync("main")
    assert [(f.what, f.code) for f in outcome.failures] == [("Patient/p0", "duplicate")]
    assert place.entry("Patient", "p0").resource["gender"] == "other"
    place.ehr.delete("Patient", "p0")
    await place.sync.sync("main", "full", allow=True)
    assert place.entry("Patient", "p0") is not None


async def test_two_sources_with_the_same_ids_are_kept_apart(place_of):
    place = place_of()
    place.ehr.put_all(people(2))
    place.connect()
    place.connect(name="other")
    place.connect(name="third", keep_ids=True)
    place.connect(name="fourth", keep_ids=True)
    for name in ("main", "other", "third"):
        assert (await place.sync.sync(name)).state == "ok"
    last = await place.sync.sync("fourth")
    assert {f.code for f in last.failures} == {"duplicate"}
    assert place.ids() == ["main-p0", "main-p1", "other-p0", "other-p1", "p0", "p1"]


async def test_the_source_wins_over_what_was_changed_here(place_of):
    place = place_of()
    place.ehr.put(people(1)[0])
    place.connect()
    await place.sync.sync("main")
    changed = {**place.entry("Patient", "main-p0").resource, "gender": "other"}
    place.records.put(changed)
    await place.sync.sync("main", "full")
    assert place.entry("Patient", "main-p0").resource["gender"] == "female"


async def test_an_older_version_does_not_replace_a_newer_one(place_of):
    place = place_of()
    old = place.ehr.put(people(1)[0])
    place.ehr.put({**people(1)[0], "gender": "male"})
    place.connect()
    await place.sync.sync("main")
    place.ehr.resources["Patient", "p0"] = old
    await place.sync.sync("main", "full")
    assert place.entry("Patient", "main-p0").resource["gender"] == "male"


@pytest.mark.parametrize("history", [True, False])
async def test_what_was_deleted_there_is_deleted_here(place_of, history):
    place = place_of(history=history)
    place.ehr.put_all(people(3))
    place.connect()
    await place.sync.sync("main")
    place.ehr.delete("Patient", "p1")
    outcome = await place.sync.sync("main", "new" if history else "full")
    assert outcome.deleted == 1
    assert place.ids() == ["main-p0", "main-p2"]
    assert place.records.deleted("Patient", "main-p1")
    assert [row.source for row in rows(place, EhrResource)] == ["p0", "p2"]


async def test_what_a_listing_leaves_out_is_kept_while_the_server_still_has_it(place_of):
    place = place_of()
    place.ehr.put_all(people(3))
    place.connect(asks=["Patient?_id=p0,p1,p2"])
    await place.sync.sync("main")
    with place.database.transaction() as session:
        session.execute(update(EhrConnection).values(asks="Patient?_id=p0"))
    outcome = await place.sync.sync("main", "full")
    assert outcome.deleted == 0
    assert place.ids() == ["main-p0", "main-p1", "main-p2"]


async def test_where_much_seems_to_be_gone_an_operator_must_say_so_first(place_of):
    place = place_of()
    place.ehr.put_all(people(60))
    place.connect()
    await place.sync.sync("main")
    for number in range(30):
        place.ehr.delete("Patient", f"p{number}")
    outcome = await place.sync.sync("main", "full")
    assert outcome.troubles == ["Patient: mass-deletion"]
    assert len(place.ids()) == 60
    assert (await place.sync.sync("main", "full", allow=True)).deleted == 30
    assert len(place.ids()) == 30


@pytest.mark.parametrize("listed", [("patient", "_lastUpdated"), ()])
async def test_some_patients_records_may_be_meant(place_of, listed):
    place = place_of(listed=listed)
    practitioner = {"resourceType": "Practitioner", "id": "d1", "name": [{"family": "Example"}]}
    place.ehr.put_all([*people(4), *weights("p1", 3), *weights("p2", 3), practitioner])
    seen_by = [{"reference": "Practitioner/d1"}]
    place.ehr.put({**weights("p1", 1)[0], "performer": seen_by})
    place.connect(asks=["Patient", "Observation", "Practitioner"], patients=["p1"])
    assert (await place.sync.sync("main")).state == "ok"
    assert place.ids() == ["main-p1"]
    assert len(place.ids("Observation")) == 3
    assert place.ids("Practitioner") == ["main-d1"]
    assert place.ehr.asked("Practitioner") == ["/Practitioner/d1"]
    await place.sync.sync("main")
    assert place.ehr.asked("Practitioner") == ["/Practitioner/d1"]


async def test_a_server_that_gives_other_peoples_records_too_is_not_taken_at_its_word(place_of):
    place = place_of(listed=("patient", "_lastUpdated"), obeyed=(), absolute=True)
    place.ehr.put_all([*people(3), *weights("p1", 3), *weights("p2", 3)])
    place.connect(patients=["p1"])
    await place.sync.sync("main")
    assert place.ids() == ["main-p1"]
    assert {id_[:7] for id_ in place.ids("Observation")} == {"main-p1"}


async def test_a_notification_of_somebody_elses_record_brings_nothing_in(place_of):
    place = place_of()
    place.ehr.put_all([*people(3), *weights("p2", 1)])
    place.connect(patients=["p1"])
    await place.sync.sync("main")
    with place.database.transaction() as session:
        expect(session, "main", ["Patient/p2", "Observation/p2-w0", "Patient/p1"])
    await place.sync.sync("main", "named")
    assert (place.ids(), place.ids("Observation")) == (["main-p1"], [])
    assert rows(place, EhrAwaited) == []


async def test_the_members_of_a_group_may_be_meant(place_of):
    place = place_of()
    place.ehr.put_all([*people(4), *weights("p3", 2)])
    member = [{"entity": {"reference": f"{place.ehr.base}/Patient/p3"}}]
    place.ehr.put(
        {"resourceType": "Group", "id": "g", "type": "person", "actual": True, "member": member}
    )
    place.connect(group="g")
    assert (await place.sync.sync("main")).state == "ok"
    assert (place.ids(), len(place.ids("Observation"))) == (["main-p3"], 2)


async def test_a_type_that_the_server_does_not_have_is_told_and_the_others_come(place_of):
    place = place_of()
    place.ehr.put_all(people(2))
    place.connect(asks=["Patient", "Goal"])
    outcome = await place.sync.sync("main")
    assert outcome.troubles == ["Goal: not-supported"]
    assert len(place.ids()) == 2
    assert place.sync.status()[0]["error"] == "Goal: not-supported"


async def test_an_export_that_is_refused_gives_way_to_searches(place_of):
    place = place_of(bulk=True, polls=0, manifest=None)
    place.ehr.put_all(people(12))
    place.connect(patients=[], asks=["Patient"])
    place.ehr.quirks.bulk = True
    original = place.ehr.client

    def without_export(**given):
        client = original(**given)
        client.event_hooks = {"request": [refuse]}
        return client

    async def refuse(request):
        if "$export" in str(request.url):
            request.url = request.url.copy_with(path=f"{request.url.path}/none")

    place.ehr.client = without_export
    outcome = await place.sync.sync("main")
    assert (outcome.bulk, outcome.state, len(place.ids())) == (False, "ok", 12)


@pytest.mark.parametrize("error", [FhirAwayError("x"), FhirSignInError("x")])
async def test_a_server_that_is_away_changes_nothing_and_is_shown(place_of, error, monkeypatch):
    place = place_of()
    place.ehr.put_all(people(2))
    place.connect()
    await place.sync.sync("main")

    def away(**_given):
        raise error

    monkeypatch.setattr(place.ehr, "client", away)
    with pytest.raises(type(error)):
        await place.sync.sync("main")
    (status,) = place.sync.status()
    assert (status["state"], status["error"]) == ("failed", error.kind)
    assert status["resources"] == 2


async def test_two_cannot_work_with_one_connection(place_of):
    place = place_of(slow=0.05)
    place.ehr.put_all(people(20))
    place.connect()
    done = await asyncio.gather(
        place.sync.sync("main"), place.sync.sync("main"), return_exceptions=True
    )
    assert sorted(type(one).__name__ for one in done) == ["EhrHeldError", "Outcome"]
    assert place.sync.status()[0]["state"] == "ok"


async def test_whoever_lost_the_connection_writes_nothing_more(place_of, monkeypatch):
    place = place_of()
    place.ehr.put_all(people(20))
    place.connect()
    original = place.ehr.client

    def stolen(**given):
        with place.database.transaction() as session:
            session.execute(update(EhrConnection).values(holder="somebody else"))
        return original(**given)

    monkeypatch.setattr(place.ehr, "client", stolen)
    with pytest.raises(EhrHeldError):
        await place.sync.sync("main")
    assert place.ids() == []
    assert rows(place, EhrConnection)[0].holder == "somebody else"


async def test_what_cannot_be_written_down_is_not_written(place_of, monkeypatch):
    place = place_of()
    place.ehr.put_all(people(2))
    place.connect()

    def full_disk(_events):
        raise AuditError("no space")

    monkeypatch.setattr(place.sync.trail, "_record", full_disk)
    with pytest.raises(AuditError):
        await place.sync.sync("main")
    assert place.ids() == []
    assert rows(place, EhrResource) == []


async def test_the_trail_tells_whose_record_came_in(place_of):
    place = place_of()
    place.ehr.put_all([*people(2), *weights("p1", 3)])
    place.connect()
    await place.sync.sync("main")
    text = str(place.trail)
    assert "Patient/main-p1" in text
    assert "caretier-ehr-sync" in text
    assert "Example1" not in text


async def test_a_name_that_is_too_long_is_shortened_the_same_way_each_time(place_of):
    place = place_of()
    place.ehr.put({**people(1)[0], "id": "x" * 64})
    place.connect()
    await place.sync.sync("main")
    first = place.ids()
    await place.sync.sync("main", "full")
    assert place.ids() == first
    assert len(first) == 1
    assert len(first[0]) <= 64


@pytest.mark.parametrize(
    "changed",
    [
        {"name": "With Space"},
        {"name": "a-b"},
        {"name": "toolongtoolongtoolong"},
        {"asks": []},
        {"every_minutes": 0},
        {"client_id": "only"},
    ],
)
def test_a_connection_that_cannot_work_is_refused(place_of, changed):
    with pytest.raises(BadInputError):
        place_of().connect(**changed)


async def test_a_connection_can_be_removed_and_its_resources_stay(place_of):
    place = place_of()
    place.ehr.put_all(people(2))
    place.connect()
    with pytest.raises(BadInputError):
        place.connect()
    await place.sync.sync("main")
    place.sync.disconnect("main")
    assert place.sync.status() == []
    assert len(place.ids()) == 2
    with pytest.raises(NotFoundError):
        await place.sync.sync("main")
    place.connect()
    assert (await place.sync.sync("main")).failures == []
