"""Subscriptions: handshake, events in their order, what they hold, and when they end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from support.hub import REPLIES, by_topic, criteria, observation, read

from services.fhir.access import Access, ScopeError
from services.fhir.errors import FhirInvalidError, FhirNotFoundError
from services.fhir.models import SubscriptionRow
from services.fhir.subscriptions import delivery
from services.fhir.subscriptions.delivery import UndeliveredError
from services.fhir.subscriptions.spec import BACKPORT


def extension(name: str, **value):
    return {"url": f"{BACKPORT}/{name}", **value}


async def test_a_subscription_is_active_once_its_endpoint_took_the_handshake(hub):
    hub.write(criteria())
    assert hub.status() == "requested"
    await hub.work()
    assert hub.status() == "active"
    (came,) = hub.listener.came
    assert came[0]["content-type"] == "application/fhir+json"
    bundle = came[1]
    assert bundle["type"] == "history"
    first = bundle["entry"][0]
    assert first["request"] == {
        "method": "GET",
        "url": "http://localhost/fhir/Subscription/s1/$status",
    }
    told = read(first["resource"])
    assert told["type"] == "handshake"
    assert told["status"] == "requested"
    assert told["subscription"] == {"reference": "http://localhost/fhir/Subscription/s1"}
    assert told["events-since-subscription-start"] == "0"


async def test_an_endpoint_that_refuses_the_handshake_leaves_it_requested_and_then_in_error(
    hub, monkeypatch
):
    monkeypatch.setattr(delivery, "MOST_FAILURES", 2)
    hub.listener.status = 500
    hub.write(criteria())
    subject = hub.jobs[0]
    with pytest.raises(UndeliveredError):
        await hub.work()
    assert hub.status() == "requested"
    hub.jobs.append(subject)
    with pytest.raises(UndeliveredError):
        await hub.work()
    assert hub.status() == "error"
    assert hub.store.read("Subscription", "s1")["error"]
    hub.listener.status = 200
    await hub.subscribe(criteria())
    assert "error" not in hub.store.read("Subscription", "s1")


async def test_a_redirect_is_no_answer(hub):
    hub.listener.status = 302
    hub.write(criteria())
    with pytest.raises(UndeliveredError):
        await hub.work()


async def test_whoever_matches_the_criteria_is_told_with_its_text(hub):
    await hub.subscribe(criteria())
    hub.store.put(observation("o1"))
    hub.store.put(observation("o2", patient="p2"))
    hub.store.put(observation("o3", valueQuantity={"value": 1.5}))
    await hub.work()
    told = hub.listener.parameters()
    assert told["type"] == "event-notification"
    assert [event["event-number"] for event in told["events"]] == ["1", "2"]
    assert [event["focus"]["reference"] for event in told["events"]] == [
        "http://localhost/fhir/Observation/o1",
        "http://localhost/fhir/Observation/o3",
    ]
    entries = hub.listener.came[-1][1]["entry"][1:]
    assert [entry["resource"]["id"] for entry in entries] == ["o1", "o3"]
    assert entries[0]["request"] == {"method": "POST", "url": "Observation"}
    assert entries[0]["response"] == {"status": "201"}
    (disclosed,) = hub.disclosed
    assert (disclosed.interaction, disclosed.patients) == ("export", ("p1",))


async def test_what_was_there_before_is_not_told(hub):
    hub.store.put(observation("o0"))
    await hub.subscribe(criteria())
    await hub.work()
    assert hub.listener.kinds() == ["handshake"]


async def test_an_update_is_an_event_and_the_same_text_again_is_none(hub):
    await hub.subscribe(by_topic("Observation", content="full-resource"))
    hub.store.put(observation("o1"))
    await hub.work()
    hub.store.put(observation("o1"))
    await hub.work()
    hub.store.put(observation("o1", status="amended"))
    await hub.work()
    assert hub.listener.kinds() == ["handshake", "event-notification", "event-notification"]
    entry = hub.listener.came[-1][1]["entry"][1]
    assert entry["request"] == {"method": "PUT", "url": "Observation/o1"}
    assert hub.listener.parameters()["events-since-subscription-start"] == "2"


@pytest.mark.parametrize(
    ("content", "names", "texts"),
    [("empty", False, 0), ("id-only", True, 0), ("full-resource", True, 1)],
)
async def test_a_notification_holds_as_much_as_was_asked_for(hub, content, names, texts):
    await hub.subscribe(by_topic("Observation?patient=Patient/p1", content=content))
    hub.store.put(observation("o1"))
    await hub.work()
    (event,) = hub.listener.parameters()["events"]
    assert ("focus" in event) is names
    assert len(hub.listener.came[-1][1]["entry"]) == 1 + texts
    assert len(hub.disclosed) == int(names)
    assert hub.listener.parameters()["topic"] == "urn:caretier:topic:record-changed"


async def test_without_a_payload_the_subscriber_is_only_called(hub):
    bare = criteria()
    del bare["channel"]["payload"]
    await hub.subscribe(bare)
    hub.store.put(observation("o1"))
    await hub.work()
    assert [body for _, body in hub.listener.came] == [None, None]
    assert hub.disclosed == []


async def test_a_topic_with_searches_of_its_own_needs_no_filter(hub):
    await hub.subscribe(by_topic(topic=REPLIES.url))
    hub.store.put(observation("o1"))
    hub.store.put({"resourceType": "Communication", "id": "c1", "status": "completed"})
    await hub.work()
    (event,) = hub.listener.parameters()["events"]
    assert event["focus"]["reference"].endswith("Communication/c1")


async def test_what_the_client_may_not_see_at_the_time_of_sending_is_not_told(hub):
    await hub.subscribe(by_topic("Observation", "Condition", content="full-resource"))
    hub.store.put(observation("o1"))
    condition = {"resourceType": "Condition", "id": "c1", "subject": {"reference": "Patient/p1"}}
    hub.store.put(condition)
    while hub.subscriptions.scan.step():
        pass
    hub.scopes["client"] = "system/Condition.rs"
    await hub.work()
    events = hub.listener.parameters()["events"]
    assert ["focus" in event for event in events] == [False, True]
    bundle = hub.listener.came[-1][1]
    assert [entry["resource"]["id"] for entry in bundle["entry"][1:]] == ["c1"]


async def test_what_was_deleted_before_it_was_sent_is_not_told(hub):
    await hub.subscribe(criteria())
    hub.store.put(observation("o1"))
    while hub.subscriptions.scan.step():
        pass
    hub.store.write(lambda writer: writer.delete("Observation", "o1"))
    await hub.work()
    (event,) = hub.listener.parameters()["events"]
    assert "focus" not in event


async def test_the_subscription_of_a_revoked_client_is_off_and_tells_nothing(hub):
    await hub.subscribe(criteria())
    del hub.scopes["client"]
    hub.store.put(observation("o1"))
    await hub.work()
    assert hub.listener.kinds() == ["handshake"]
    assert hub.status() == "off"


async def test_a_granular_scope_narrows_what_is_told(hub):
    hub.scopes["client"] = "system/Observation.rs?status=final system/Subscription.cruds"
    await hub.subscribe(criteria())
    hub.store.put(observation("o1", status="preliminary"))
    hub.store.put(observation("o2"))
    await hub.work()
    (event,) = hub.listener.parameters()["events"]
    assert event["focus"]["reference"].endswith("o2")


async def test_what_could_not_be_delivered_comes_later_in_its_order(hub):
    await hub.subscribe(criteria())
    hub.listener.status = 503
    hub.store.put(observation("o1"))
    with pytest.raises(UndeliveredError):
        await hub.work()
    hub.store.put(observation("o2"))
    hub.listener.status = 200
    hub.jobs.append(f"{key_of(hub)}:again")
    await hub.work()
    assert [e["event-number"] for e in hub.listener.parameters()["events"]] == ["1", "2"]
    assert hub.jobs == []


async def test_what_was_missed_in_error_comes_once_the_client_asks_for_it_again(hub, monkeypatch):
    await hub.subscribe(criteria())
    monkeypatch.setattr(delivery, "MOST_FAILURES", 1)
    hub.listener.status = 503
    hub.store.put(observation("o1"))
    with pytest.raises(UndeliveredError):
        await hub.work()
    assert hub.status() == "error"
    hub.listener.status = 200
    hub.store.put(observation("o2"))
    await hub.work()
    await hub.subscribe(criteria())
    assert hub.listener.kinds()[-2:] == ["handshake", "event-notification"]
    assert [e["event-number"] for e in hub.listener.parameters()["events"]] == ["1", "2"]


def key_of(hub) -> str:
    with hub.database.reading() as session:
        return session.get_one(SubscriptionRow, "s1").key


async def test_events_come_in_notifications_of_so_many(hub):
    asked = by_topic("Observation")
    asked["channel"]["extension"] = [extension("backport-max-count", valuePositiveInt=2)]
    await hub.subscribe(asked)
    for number in range(5):
        hub.store.put(observation(f"o{number}"))
    await hub.work()
    counts = [len(hub.listener.parameters(n)["events"]) for n in range(1, 4)]
    assert counts == [2, 2, 1]


async def test_a_quiet_subscriber_hears_that_the_subscription_is_there(hub):
    asked = by_topic("Observation")
    asked["channel"]["extension"] = [extension("backport-heartbeat-period", valueUnsignedInt=60)]
    await hub.subscribe(asked)
    assert hub.subscriptions.scan.beats() == 0
    with hub.database.transaction() as session:
        session.get_one(SubscriptionRow, "s1").beat = datetime.now(UTC) - timedelta(seconds=1)
    assert hub.subscriptions.scan.beats() == 1
    assert hub.subscriptions.scan.beats() == 0
    await hub.work()
    assert hub.listener.kinds() == ["handshake", "heartbeat"]
    with hub.database.reading() as session:
        assert session.get_one(SubscriptionRow, "s1").beat > datetime.now(UTC)


async def test_a_subscription_ends_when_its_time_is_over(hub):
    await hub.subscribe(criteria() | {"end": "2999-01-01T00:00:00Z"})
    hub.store.put(criteria() | {"status": "active", "end": "2020-01-01T00:00:00Z"})
    hub.store.put(observation("o1"))
    await hub.work()
    assert hub.status() == "off"
    assert hub.listener.kinds() == ["handshake"]


async def test_who_turns_a_subscription_off_or_deletes_it_is_told_no_more(hub):
    await hub.subscribe(criteria())
    hub.write(criteria() | {"status": "off"})
    hub.store.put(observation("o1"))
    await hub.work()
    await hub.subscribe(criteria())
    hub.store.write(lambda writer: writer.delete("Subscription", "s1"))
    hub.store.put(observation("o2"))
    await hub.work()
    assert hub.listener.kinds() == ["handshake", "handshake"]
    with hub.database.reading() as session:
        assert session.get(SubscriptionRow, "s1") is None


async def test_the_headers_of_the_channel_go_with_each_notification(hub):
    await hub.subscribe(criteria(header=["Authorization: Bearer abc", "X-Tenant: 7"]))
    sent = hub.listener.came[0][0]
    assert (sent["authorization"], sent["x-tenant"]) == ("Bearer abc", "7")


@pytest.mark.parametrize(
    ("change", "element"),
    [
        ({"criteria": "Nonsense?x=1"}, "criteria"),
        ({"criteria": "Observation?nonsense=1"}, "criteria"),
        ({"criteria": "Observation?_include=Observation:subject"}, "criteria"),
        ({"criteria": "Observation?patient.name=x"}, "criteria"),
        ({"criteria": "urn:caretier:topic:record-changed"}, "criteria"),
        ({"criteria": "http://other.example.org/topic"}, "criteria"),
        ({"status": "active"}, "status"),
        ({"channel": {"type": "email", "endpoint": "mailto:x@example.org"}}, "channel.type"),
        ({"channel": {"type": "rest-hook"}}, "channel.endpoint"),
        ({"channel": criteria(payload="text/plain")["channel"]}, "channel.payload"),
        ({"channel": by_topic(content="all")["channel"]}, "channel.payload"),
        (
            {
                "channel": criteria()["channel"]
                | {"extension": [extension("backport-heartbeat-period", valueUnsignedInt=1)]}
            },
            "channel",
        ),
    ],
)
async def test_what_is_not_done_is_refused_by_its_element(hub, change, element):
    with pytest.raises(FhirInvalidError) as refused:
        hub.write(criteria() | change)
    assert f"Subscription.{element}" in [fault.element for fault in refused.value.faults]
    assert hub.store.entry("Subscription", "s1") is None
    assert hub.jobs == []


async def test_a_client_subscribes_to_nothing_that_it_may_not_see(hub):
    hub.scopes["client"] = "system/Subscription.cruds system/Observation.r"
    with pytest.raises(ScopeError):
        hub.write(criteria())


@pytest.mark.parametrize("bound", [{"grant": None}, {"relation": lambda _patient: None}])
async def test_a_person_makes_no_subscription(hub, bound):
    access = Access(**({"allows": lambda _k, _l: True, "grant": None} | bound))
    with pytest.raises(ScopeError):
        hub.write(criteria(), access=access)


async def test_the_state_can_be_asked_for_by_its_client_alone(hub):
    await hub.subscribe(criteria())
    hub.store.put(observation("o1"))
    await hub.work()
    answer = await hub.client.get("/fhir/Subscription/s1/$status")
    bundle = answer.json()
    assert (answer.status_code, bundle["type"], bundle["total"]) == (200, "searchset", 1)
    told = read(bundle["entry"][0]["resource"])
    assert (told["type"], told["status"]) == ("query-status", "active")
    assert told["events-since-subscription-start"] == "1"
    other = {"x-program": "other"}
    for path in ("s1/$status", "s1/$events"):
        answer = await hub.client.get(f"/fhir/Subscription/{path}", headers=other)
        assert answer.status_code == 404
    several = await hub.client.get("/fhir/Subscription/$status?status=active")
    assert several.json()["total"] == 1
    for query, headers in (("id=s1", other), ("status=error", {}), ("id=s2", {})):
        answer = await hub.client.get(f"/fhir/Subscription/$status?{query}", headers=headers)
        assert answer.json()["total"] == 0


async def test_a_subscription_is_seen_and_changed_by_the_program_that_made_it_alone(hub):
    await hub.subscribe(criteria(header=["Authorization: Bearer secret"]))
    mine, other = hub.access_of("client"), hub.access_of("other")
    person = Access(relation=lambda _patient: None)
    assert hub.store.entry("Subscription", "s1", mine) is not None
    for access in (other, person):
        assert hub.store.entry("Subscription", "s1", access) is None
        assert hub.store.version("Subscription", "s1", 1, access) is None
    assert hub.store.version("Subscription", "s1", 1, mine) is not None
    with pytest.raises(FhirNotFoundError):
        hub.write(criteria(), by="other")
    with pytest.raises(FhirNotFoundError):
        hub.store.write(lambda writer: writer.delete("Subscription", "s1"), other)
    hub.write(criteria() | {"status": "off"})


async def test_past_events_can_be_asked_for_again(hub):
    await hub.subscribe(by_topic("Observation"))
    for number in range(4):
        hub.store.put(observation(f"o{number}"))
    await hub.work()
    path = "/fhir/Subscription/s1/$events?eventsSinceNumber=2&eventsUntilNumber=3"
    bundle = (await hub.client.get(path)).json()
    told = read(bundle["entry"][0]["resource"])
    assert (bundle["type"], told["type"]) == ("history", "query-event")
    assert [event["event-number"] for event in told["events"]] == ["2", "3"]
    assert len(bundle["entry"]) == 1
    full = (await hub.client.get(f"{path}&content=full-resource")).json()
    assert [entry["resource"]["id"] for entry in full["entry"][1:]] == ["o1", "o2"]
    for wrong in ("eventsSinceNumber=x", "content=all"):
        answer = await hub.client.get(f"/fhir/Subscription/s1/$events?{wrong}")
        assert answer.status_code == 400


async def test_old_events_are_forgotten(hub):
    await hub.subscribe(criteria())
    hub.store.put(observation("o1"))
    await hub.work()
    assert hub.subscriptions.scan.forget(datetime.now(UTC) - timedelta(days=1)) == 0
    assert hub.subscriptions.scan.forget(datetime.now(UTC) + timedelta(days=1)) == 1


async def test_of_two_who_look_at_once_one_counts(hub, monkeypatch):
    await hub.subscribe(criteria())
    hub.store.put(observation("o1"))
    keep = hub.subscriptions.scan._keep

    def and_another(begun, until, found):
        keep(begun, until, found)
        keep(begun, until, found)

    monkeypatch.setattr(hub.subscriptions.scan, "_keep", and_another)
    await hub.work()
    with hub.database.reading() as session:
        assert session.get_one(SubscriptionRow, "s1").events == 1
