"""Writers at the same time: one wins, none is lost, nothing is made twice."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy.exc import OperationalError

from services.fhir._attempts import ATTEMPTS
from services.fhir.errors import FhirBusyError
from services.fhir.store import FhirStore
from services.store.database import Database

AT_ONCE = 8


@pytest.fixture
def crowd(database_url, serve, told):
    """Do something with many clients at the same moment; return what each got."""

    def run(work):
        client = serve(told.access())
        barrier = threading.Barrier(AT_ONCE)

        def one(number):
            barrier.wait()
            return work(client, number)

        with ThreadPoolExecutor(AT_ONCE) as pool:
            return list(pool.map(one, range(AT_ONCE)))

    return run


def test_of_updates_that_expect_the_same_version_exactly_one_wins(crowd, client, make):
    client.put("/fhir/Patient/p", json=make.patient())

    def work(client, number):
        body = make.patient(birthDate=f"2000-01-0{number + 1}")
        return client.put("/fhir/Patient/p", json=body, headers={"if-match": 'W/"1"'}).status_code

    assert sorted(crowd(work)) == [200] + [412] * (AT_ONCE - 1)
    assert client.get("/fhir/Patient/p").headers["etag"] == 'W/"2"'


def test_of_conditional_creations_exactly_one_makes_a_resource(crowd, client, make):
    def work(client, _number):
        body = make.patient(None, identifier=[{"system": "urn:mrn", "value": "17"}])
        asked = {"if-none-exist": "identifier=urn:mrn|17"}
        return client.post("/fhir/Patient", json=body, headers=asked).status_code

    assert sorted(crowd(work)) == [200] * (AT_ONCE - 1) + [201]
    assert client.get("/fhir/Patient").json()["total"] == 1


def test_updates_without_a_condition_are_all_kept_as_versions(crowd, client, make):
    def work(client, number):
        body = make.patient(birthDate=f"2000-01-0{number + 1}")
        return client.put("/fhir/Patient/p", json=body).headers["etag"]

    tags = {f'W/"{n + 1}"' for n in range(AT_ONCE)}
    assert set(crowd(work)) == tags
    history = client.get("/fhir/Patient/p/_history").json()["entry"]
    assert [e["response"]["etag"] for e in history] == [f'W/"{n}"' for n in range(AT_ONCE, 0, -1)]
    assert len({e["resource"]["birthDate"] for e in history}) == AT_ONCE
    stamps = [e["response"]["lastModified"] for e in history]
    assert stamps == sorted(stamps, reverse=True)


def test_transactions_that_cross_one_another_do_not_block_for_ever(crowd, client, make):
    def work(client, number):
        entries = [
            make.entry("PUT", f"Patient/p{n}", make.patient(f"p{n}", birthDate=f"200{number}"))
            for n in range(6)
        ]
        return client.post(
            "/fhir", json=make.bundle(*(entries if number % 2 else entries[::-1]))
        ).status_code

    assert crowd(work) == [200] * AT_ONCE
    years = {client.get(f"/fhir/Patient/p{n}").json()["birthDate"] for n in range(6)}
    assert len(years) == 1  # the last one's, in every resource


def test_two_stores_over_one_database_take_turns(database_url, make):
    databases = [Database(database_url) for _ in range(4)]
    stores = [FhirStore(database) for database in databases]

    def work(store):
        for number in range(10):
            store.put(make.patient(birthDate=f"20{number:02}", active=store is stores[0]))

    with ThreadPoolExecutor(len(stores)) as pool:
        list(pool.map(work, stores))
    version = stores[0].entry("Patient", "p").version
    asked = [stores[0].version("Patient", "p", number) for number in range(1, version + 1)]
    assert all(asked)
    assert [v.sequence for v in asked] == sorted(v.sequence for v in asked)
    for database in databases:
        database.close()


class _BrokenOffError(Exception):
    sqlstate = "40001"


def test_what_the_database_breaks_off_is_done_again(store):
    tries = []

    def work(writer):
        tries.append(writer)
        if len(tries) < 3:
            raise OperationalError("x", {}, _BrokenOffError())
        return "done"

    assert store.write(work) == "done"
    assert len(set(tries)) == 3


def test_what_is_broken_off_every_time_is_said_to_be_busy(store):
    def work(_writer):
        tries.append(1)
        raise OperationalError("x", {}, _BrokenOffError())

    tries = []
    with pytest.raises(FhirBusyError) as caught:
        store.write(work)
    assert len(tries) == ATTEMPTS
    assert caught.value.retry_after


def test_another_failure_of_the_database_is_not_tried_again(store):
    def work(_writer):
        tries.append(1)
        raise OperationalError("x", {}, ValueError())

    tries = []
    with pytest.raises(OperationalError):
        store.write(work)
    assert len(tries) == 1
