"""An EHR is read by the hospital's own jobs, and tells of changes by its subscriptions."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from sqlalchemy import select, update
from support.quirky_ehr import Quirks, QuirkyEhr, people, weights
from support.trail import Trail

from services.hospital.app import create
from services.hospital.ehr.connections import Connecting
from services.hospital.ehr.service import Ehr
from services.hospital.models import EhrAwaited, EhrConnection, Job
from services.hospital.service import Hospital
from services.hospital.settings import HospitalSettings

TOPIC = "http://ehr.example.test/SubscriptionTopic/observation-changed"


@pytest.fixture
def ehr():
    made = QuirkyEhr(Quirks(topics=(TOPIC,)))
    made.put_all([*people(3), *weights("p1", 2)])
    return made


@pytest.fixture
def hospital(tmp_path, node_of, ehr):
    settings = HospitalSettings(data=tmp_path / "hospital", base_url="http://localhost")
    made = Hospital(settings, node_of("hospital"))
    made.intake.audit = Trail()
    made.ehr = Ehr(
        made.database, made.records, made.jobs, ehr, record=made._write_down, node="h",
        base_url="https://hospital.example.test",
    )  # fmt: skip
    made.handlers |= made.ehr.handlers
    asks = ["Patient", "Observation"]
    made.ehr.connect(Connecting("main", ehr.base, asks=asks, keep_ids=True))
    yield made
    made.database.close()


@pytest.fixture
async def client(hospital):
    transport = httpx.ASGITransport(app=create(hospital.settings, hospital))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as opened:
        yield opened


def jobs(hospital, state="pending"):
    with hospital.database.reading() as session:
        query = select(Job).where(Job.kind == "ehr-sync", Job.state == state)
        return list(session.scalars(query))


async def do_all(hospital):
    for job in hospital.jobs.due():
        assert await hospital.do(job)


def secret_of(ehr):
    (one,) = [r for (kind, _), r in ehr.resources.items() if kind == "Subscription"]
    return one["channel"]["header"][0].partition(": ")[2]


def notice(*focus, kind="event-notification"):
    events = [
        {
            "name": "notification-event",
            "part": [{"name": "focus", "valueReference": {"reference": f}}],
        }
        for f in focus
    ]
    status = {
        "resourceType": "Parameters",
        "parameter": [{"name": "type", "valueCode": kind}, *events],
    }
    return {"resourceType": "Bundle", "type": "history", "entry": [{"resource": status}]}


async def test_a_new_connection_is_read_by_a_job_and_again_when_it_is_due(hospital, ehr):
    assert hospital.ehr.schedule() == 1
    assert hospital.ehr.schedule() == 0
    await do_all(hospital)
    assert len(hospital.records.search("Patient").entries) == 3
    assert len(jobs(hospital, "done")) == 1
    with hospital.database.transaction() as session:
        session.execute(update(EhrConnection).values(due=datetime.now(UTC) - timedelta(1)))
    assert hospital.ehr.schedule() == 1
    assert [job.subject.split(".")[:2] for job in jobs(hospital)] == [["main", "new"]]


async def test_everything_is_read_again_after_some_days(hospital):
    hospital.ehr.schedule()
    await do_all(hospital)
    long_ago = datetime.now(UTC) - timedelta(days=8)
    with hospital.database.transaction() as session:
        session.execute(update(EhrConnection).values(due=long_ago, full=long_ago))
    hospital.ehr.schedule()
    assert [job.subject.split(".")[1] for job in jobs(hospital)] == ["full"]


async def test_a_server_that_is_away_ends_its_job_and_waits_for_its_clock(
    hospital, ehr, monkeypatch
):
    from services.fhir.client import FhirAwayError

    def away(**_given):
        raise FhirAwayError("x")

    monkeypatch.setattr(ehr, "client", away)
    hospital.ehr.schedule()
    await do_all(hospital)
    assert jobs(hospital) == []
    assert hospital.operations.ehrs()[0]["state"] == "failed"


async def test_a_subscription_is_made_where_the_server_lists_topics(hospital, ehr):
    hospital.ehr.schedule()
    await do_all(hospital)
    (made,) = [r for (kind, _), r in ehr.resources.items() if kind == "Subscription"]
    assert made["criteria"] == TOPIC
    channel = made["channel"]
    assert channel["endpoint"] == "https://hospital.example.test/v1/ehr/main/notify"
    assert channel["_payload"]["extension"][0]["valueCode"] == "id-only"
    await hospital.ehr.sync("main")
    assert len([1 for kind, _ in ehr.resources if kind == "Subscription"]) == 1
    with hospital.database.reading() as session:
        row = session.get(EhrConnection, "main")
    assert secret_of(ehr).removeprefix("Bearer ") not in str(row.__dict__)
    await hospital.ehr.unsubscribe("main")
    assert [1 for kind, _ in ehr.resources if kind == "Subscription"] == []


async def test_a_notification_makes_the_hospital_read_what_it_names(hospital, ehr, client):
    await hospital.ehr.sync("main")
    ehr.put({**people(1)[0], "gender": "male"})
    ehr.delete("Patient", "p2")
    ehr.calls.clear()
    headers = {"authorization": secret_of(ehr)}
    body = notice(
        f"{ehr.base}/Patient/p0", "Patient/p2/_history/1", "Goal/g", "https://x.test/Patient/p1"
    )
    answer = await client.post("/v1/ehr/main/notify", json=body, headers=headers)
    assert (answer.status_code, answer.content) == (200, b"")
    await do_all(hospital)
    assert hospital.records.read("Patient", "p0")["gender"] == "male"
    assert hospital.records.read("Patient", "p2") is None
    assert sorted(path for _, path in ehr.calls) == ["/Patient/p0", "/Patient/p2"]


@pytest.mark.parametrize("kind", ["handshake", "heartbeat"])
async def test_a_handshake_and_a_heartbeat_order_nothing(hospital, ehr, client, kind):
    await hospital.ehr.sync("main")
    headers = {"authorization": secret_of(ehr)}
    body = notice("Patient/p0", kind=kind)
    answer = await client.post("/v1/ehr/main/notify", json=body, headers=headers)
    assert answer.status_code == 200
    assert jobs(hospital) == []


async def test_a_notification_that_names_nothing_asks_for_what_changed(hospital, ehr, client):
    await hospital.ehr.sync("main")
    headers = {"authorization": secret_of(ehr)}
    for content in (b"", b'{"resourceType": "Bundle"}'):
        answer = await client.post("/v1/ehr/main/notify", content=content, headers=headers)
        assert answer.status_code == 200
    assert [job.subject.split(".")[1] for job in jobs(hospital)] == ["new"]


async def test_the_newer_form_of_a_notification_is_read_too(hospital, ehr, client):
    await hospital.ehr.sync("main")
    status = {
        "resourceType": "SubscriptionStatus",
        "type": "event-notification",
        "notificationEvent": [{"eventNumber": "1", "focus": {"reference": "Patient/p1"}}],
    }
    body = {"resourceType": "Bundle", "entry": [{"resource": status}]}
    headers = {"authorization": re.sub("^Bearer", "bearer", secret_of(ehr))}
    await client.post("/v1/ehr/main/notify", json=body, headers=headers)
    with hospital.database.reading() as session:
        assert [row.what for row in session.scalars(select(EhrAwaited))] == ["Patient/p1"]


@pytest.mark.parametrize(
    "proof",
    [
        None,
        "",
        "Bearer ",
        "Bearer x",
        "Bearer " + "A" * 43,
        "Basic " + "A" * 43,
        "Bearer " + "0" * 64,
    ],
)
async def test_without_the_secret_a_notification_is_refused_unread(hospital, ehr, client, proof):
    await hospital.ehr.sync("main")
    headers = {"authorization": proof} if proof is not None else {}
    for name in ("main", "none", "x" * 300):
        answer = await client.post(f"/v1/ehr/{name}/notify", content=b"{", headers=headers)
        assert answer.status_code == 401
    assert jobs(hospital) == []


async def test_a_connection_without_a_subscription_takes_no_notification(hospital, client):
    headers = {"authorization": "Bearer " + "A" * 43}
    answer = await client.post("/v1/ehr/main/notify", json={}, headers=headers)
    assert answer.status_code == 401


@pytest.mark.parametrize("content", [b"{", b"[" * 100_000, b"\xff", b'"' + b"x" * (1 << 20) + b'"'])
async def test_a_notification_that_cannot_be_read_is_refused(hospital, ehr, client, content):
    await hospital.ehr.sync("main")
    headers = {"authorization": secret_of(ehr)}
    answer = await client.post("/v1/ehr/main/notify", content=content, headers=headers)
    assert answer.status_code == 422


@pytest.mark.parametrize(
    "body", [[], 1, {"entry": 1}, {"entry": [{"resource": []}]}, {"entry": []}]
)
async def test_odd_notifications_do_no_harm(hospital, ehr, client, body):
    await hospital.ehr.sync("main")
    headers = {"authorization": secret_of(ehr)}
    answer = await client.post("/v1/ehr/main/notify", json=body, headers=headers)
    assert answer.status_code == 200


async def test_a_flood_of_notifications_orders_one_job_and_keeps_a_bound(
    hospital, ehr, client, monkeypatch
):
    await hospital.ehr.sync("main")
    monkeypatch.setattr("services.hospital.ehr.book.MAX_AWAITED", 25)
    headers = {"authorization": secret_of(ehr)}
    for start in range(5):
        body = notice(*(f"Patient/n{start}-{number}" for number in range(10)))
        await client.post("/v1/ehr/main/notify", json=body, headers=headers)
    assert len(jobs(hospital)) == 1
    with hospital.database.reading() as session:
        assert len(list(session.scalars(select(EhrAwaited)))) == 25


async def test_the_system_page_shows_how_a_connection_stands(hospital, client):
    await hospital.ehr.sync("main")
    hospital.accounts.add_user("olga", "a long enough password", "Olga", "operator")
    cookie = hospital.accounts.sign_in("olga", "a long enough password")
    headers = {"cookie": f"caretier_portal={cookie}"}
    text = (await client.get("/portal/system", headers=headers)).text
    assert "Connected records" in text
    assert "Up to date" in text
