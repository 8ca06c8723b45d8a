"""One hospital reads another's record: real connections, real tokens, searches and Bulk Data."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from fastapi import FastAPI
from jwt.algorithms import ECAlgorithm
from support.serving import serving
from support.stack import free_ports
from support.trail import Trail

from services.exchange.courier import running
from services.fhir.client import ClientSettings, FhirSignInError
from services.fhir.sandbox import generate
from services.fhir.store import FhirStore
from services.hospital.app import create
from services.hospital.ehr.asks import ASKS
from services.hospital.ehr.connections import Connecting
from services.hospital.ehr.routes import ehr_router
from services.hospital.ehr.service import Ehr
from services.hospital.jobs import Jobs
from services.hospital.service import Hospital
from services.hospital.settings import HospitalSettings
from services.hospital.subscribing import subscriptions_loop
from services.web.outbound import Outbound, OutboundRefusedError

QUICK = ClientSettings(poll=0.1, pause=0.01, rate=1000, burst=1000)


def key_file(tmp_path):
    """A private key in a file, and its public half as a JWKS."""
    key = ec.generate_private_key(ec.SECP384R1())
    path = tmp_path / "key.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    public = ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
    public.pop("key_ops", None)
    return path, json.dumps({"keys": [public | {"kid": "k1", "alg": "ES384", "use": "sig"}]})


@contextlib.asynccontextmanager
async def jobs_of(hospital):
    """Do the jobs of a hospital and look for events, as its own loops do."""
    async with running(hospital.doing.loop(), subscriptions_loop(hospital.subscriptions)):
        yield
    await hospital.doing.stop()


@pytest.fixture
def ports():
    """Of the hospital that is read, and of the one that reads."""
    return free_ports(2)


@pytest.fixture
async def source(tmp_path, node_of, ports):
    """A hospital on a port of this machine that another one may read."""
    base = f"http://127.0.0.1:{ports[0]}"
    settings = HospitalSettings(
        data=tmp_path / "source",
        base_url=base,
        outbound=f"http://127.0.0.1:{ports[1]}",
        outbound_private=True,
    )
    made = Hospital(settings, node_of("hospital"))
    made.intake.audit = Trail()
    made.records.put_many(generate())
    made.key, public = key_file(tmp_path)
    scopes = "system/*.rs system/Subscription.cruds"
    made.client, _ = made.smart.clients.add("reader", "asymmetric", scopes, jwks=public)
    async with serving(create(settings, made), ports[0]), jobs_of(made):
        made.base = base
        yield made
    made.database.close()


def reader(database, source, base_url=None, **changed):
    """The other hospital, and how it reads the first."""
    records = FhirStore(database)
    outbound = Outbound([source.base], private=True)
    ehr = Ehr(
        database, records, Jobs(database), outbound, record=lambda _events: None, node="r",
        settings=QUICK, base_url=base_url,
    )  # fmt: skip
    given = {"client_id": source.client.id, "key_file": source.key, "key_id": "k1"} | changed
    ehr.connect(Connecting("main", f"{source.base}/fhir", keep_ids=True, **given))
    return ehr, records


def texts(records):
    return {
        (kind, entry.id): entry.resource
        for kind in ASKS
        for entry in records.search(kind, count=500).entries
    }


@pytest.mark.parametrize("way", ["search", "bulk"])
async def test_a_hospital_reads_the_record_of_another_and_has_the_same(database, source, way):
    asks = ASKS if way == "bulk" else [*ASKS[1:], "Patient?_count=50"]
    ehr, records = reader(database, source, asks=asks)
    outcome = await ehr.sync("main")
    assert outcome.failures == []
    assert outcome.bulk == (way == "bulk")
    here, there = texts(records), texts(source.records)
    assert here == there


async def test_what_changed_comes_in_with_the_next_reading(database, source):
    ehr, records = reader(database, source, asks=["Patient", "Observation"])
    await ehr.sync("main")
    person = source.records.search("Patient").entries[0].resource
    source.records.put({**person, "active": False})
    source.records.write(lambda writer: writer.delete("Observation", first(source, "Observation")))
    gone = set(texts(records)) - set(texts(source.records))
    outcome = await ehr.sync("main")
    assert outcome.state == "ok"
    assert records.read("Patient", person["id"])["active"] is False
    assert set(texts(records)) & {k for k in gone if k[0] == "Observation"} == set()


def first(hospital, kind):
    return hospital.records.search(kind).entries[0].id


async def test_the_server_must_be_listed_and_the_key_must_be_known(database, source, tmp_path):
    (tmp_path / "other").mkdir()
    other, _ = key_file(tmp_path / "other")
    ehr, _ = reader(database, source, key_file=other)
    with pytest.raises(FhirSignInError):
        await ehr.sync("main")
    ehr.connections._connects = Outbound([], private=True)
    with pytest.raises(OutboundRefusedError):
        await ehr.sync("main")
    assert ehr.status()[0]["error"] == "outbound-refused"


async def test_a_hospital_is_told_of_a_change_and_reads_it(database, source, ports):
    address = f"http://127.0.0.1:{ports[1]}"
    asks = ["Patient", "Observation"]
    scope = "system/*.rs system/Subscription.cruds"
    ehr, records = reader(database, source, address, asks=asks, scope=scope)
    app = FastAPI()
    app.include_router(ehr_router(ehr.subscriptions))
    async with serving(app, ports[1]):
        assert (await ehr.sync("main")).state == "ok"
        assert ehr.connections.get("main").subscriptions
        await until(lambda: subscribed(source) == {"active"})
        person = source.records.search("Patient").entries[0].resource
        await asyncio.to_thread(source.records.put, {**person, "active": False})
        await until(lambda: ehr.status()[0]["awaited"] > 0)
    outcome = await ehr.sync("main", "named")
    assert outcome.read == {"Patient": 1}
    assert records.read("Patient", person["id"])["active"] is False


def subscribed(source):
    return {entry.resource["status"] for entry in source.records.search("Subscription").entries}


async def until(probe, seconds=20):
    end = time.monotonic() + seconds
    while not await asyncio.to_thread(probe):
        assert time.monotonic() < end
        await asyncio.sleep(0.1)
