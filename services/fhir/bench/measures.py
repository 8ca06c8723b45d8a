"""Imports, reads, searches and transactions over the REST API, beside the same by plain SQL."""

from __future__ import annotations

import random
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from itertools import islice
from string import Formatter
from typing import Any

import httpx
from fastapi import FastAPI

from services.fhir import jsontext
from services.fhir._queries import BATCH
from services.fhir.access import Access
from services.fhir.bench.corpus import Item, Known
from services.fhir.bench.raw import RawTable
from services.fhir.bench.timing import Figure, Timing, each, each_awaited, of, whole
from services.fhir.routes import router
from services.fhir.store import FhirStore
from services.fhir.validate import check

SEARCHES = {
    "reference": "Condition?patient=Patient/{patient}",
    "reference and date": "Encounter?patient={patient}&date=ge2015-01-01",
    "reference and token": "Encounter?patient={patient}&status=finished",
    "token": "Condition?code={code}&_count=20",
    "string": "Patient?family={family}&_count=20",
    "date": "Patient?birthdate={birthdate}&_count=20",
    "identifier": "Patient?identifier={identifier}",
    "_id": "Patient?_id={patient}",
    "_lastUpdated": "Condition?_lastUpdated=ge2020-01-01&_count=20",
    "_sort": "Encounter?patient={patient}&_sort=-date&_count=10",
    "_include": "MedicationRequest?patient={patient}&_include=MedicationRequest:encounter",
    "_revinclude": "Patient?_id={patient}&_revinclude=Condition:subject",
    "chained": "Condition?patient.family={family}&_count=20",
    "$everything": "Patient/{patient}/$everything",
}
"""One query of each kind; what stands in braces is drawn anew for each call."""
_TEXTS = 10_000
"""Resources that are parsed and validated by themselves."""
_ENTRIES = 10
"""Resources of a transaction."""
_SEED = 20261126
_ALL = Access(allows=lambda _kind, _letter: True)


def validated(texts: Sequence[str]) -> Figure:
    """Parse and check texts on one core, by processor time."""

    def work() -> int:
        for text in texts:
            check(jsontext.loads_strict(text))
        return len(texts)

    def parse() -> int:
        for text in texts:
            jsontext.loads(text)
        return len(texts)

    for text in texts[:1_000]:  # compiles what is compiled once
        check(jsontext.loads_strict(text))
    clock = time.process_time
    return Figure("parse and validate (raw: parse)", whole(work, clock), whole(parse, clock))


def imported(store: FhirStore, raw: RawTable, corpus: Iterator[Item]) -> tuple[Figure, list[str]]:
    """Load the corpus in batches; also return the first texts of it.

    Raises:
        RuntimeError: a resource of the corpus was refused.
    """
    ours, plain, size, texts = 0.0, 0.0, 0, list[str]()
    while batch := list(islice(corpus, BATCH)):
        began = time.perf_counter()
        raw.insert(batch)
        between = time.perf_counter()
        report = store.put_many([item.text for item in batch])
        ours += time.perf_counter() - between
        plain += between - began
        if report.rejected:
            raise RuntimeError(f"refused: {report.rejected[0][1]}")
        size += len(batch)
        texts += [item.text for item in batch] if len(texts) < _TEXTS else []
    return Figure("import", Timing(size, size / ours), Timing(size, size / plain)), texts


class Rest:
    """Figures of a loaded store over its REST API.

    Args:
        store: with the corpus.
        raw: with the same.
        known: what is in them.
        times: calls of each kind.
    """

    def __init__(self, store: FhirStore, raw: RawTable, known: Known, times: int) -> None:
        self._raw, self._known, self._times = raw, known, times
        self._chance = random.Random(_SEED)  # noqa: S311  # draws samples, no secrets
        self._app = FastAPI()
        self._app.include_router(router(lambda: store, lambda: _ALL))

    async def figures(self) -> AsyncIterator[Figure]:
        """Yield the figures one by one."""
        async with self._client() as client:
            yield await self._reads(client)
            for name, template in SEARCHES.items():
                if (found := await self._search(client, name, template)) is not None:
                    yield found
            yield await self._transactions(client)

    @asynccontextmanager
    async def _client(self) -> AsyncIterator[httpx.AsyncClient]:
        transport = httpx.ASGITransport(app=self._app)
        headers = {"content-type": "application/fhir+json"}
        async with httpx.AsyncClient(
            transport=transport, base_url="http://localhost/fhir", headers=headers
        ) as client:
            yield client

    async def _reads(self, client: httpx.AsyncClient) -> Figure:
        keys = [self._chance.choice(self._known.keys) for _ in range(self._times)]
        ours = await each_awaited(partial(_get, client, "/".join(key)) for key in keys)
        return Figure("read", ours, each(partial(self._raw.read, *key) for key in keys))

    async def _search(self, client: httpx.AsyncClient, name: str, query: str) -> Figure | None:
        draws = {"patient": self._known.patients, **self._known.values}
        wanted = [field for _, field, _, _ in Formatter().parse(query) if field]
        if not all(draws.get(field) for field in wanted):
            return None
        asked = [
            query.format(**{field: self._chance.choice(draws[field]) for field in wanted})
            for _ in range(self._times)
        ]
        await _get(client, asked[0])
        ours = await each_awaited(partial(_get, client, one) for one in asked)
        people = [self._chance.choice(self._known.patients) for _ in asked]
        plain = each(partial(self._raw.of_patient, one, "Condition") for one in people)
        return Figure(f"search {name}", ours, plain)

    async def _transactions(self, client: httpx.AsyncClient) -> Figure:
        ours, plain = [], []
        for turn in range(max(1, self._times // 4)):
            bundle, rows = _transaction(turn)
            began = time.perf_counter()
            answer = await client.post("", content=bundle)
            between = time.perf_counter()
            self._raw.insert(rows)
            ours.append(between - began)
            plain.append(time.perf_counter() - between)
            if not answer.is_success:
                raise RuntimeError(answer.text[:300])
        return Figure(f"transaction of {_ENTRIES}", of(ours), of(plain))


async def _get(client: httpx.AsyncClient, address: str) -> None:
    answer = await client.get(address)
    if not answer.is_success:
        raise RuntimeError(f"{address}: {answer.text[:300]}")


def _transaction(turn: int) -> tuple[str, list[Item]]:
    """A person and observations, as a transaction and as rows."""
    full = f"urn:uuid:00000000-0000-4000-8000-{turn:012}"
    person = {"resourceType": "Patient", "gender": "other", "birthDate": "1970-01-01"}
    made: list[dict[str, Any]] = [person] + [
        {
            "resourceType": "Observation",
            "status": "final",
            "code": {"coding": [{"system": "http://loinc.org", "code": "8867-4"}]},
            "subject": {"reference": full},
            "effectiveDateTime": "2026-01-01",
            "valueQuantity": {"value": 60 + place, "unit": "/min"},
        }
        for place in range(_ENTRIES - 1)
    ]
    entries: list[dict[str, Any]] = [
        {"resource": one, "request": {"method": "POST", "url": one["resourceType"]}} for one in made
    ]
    entries[0]["fullUrl"] = full
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    rows = [
        Item(one["resourceType"], f"t{turn}-{place}", f"t{turn}-0", jsontext.dumps(one))
        for place, one in enumerate(made)
    ]
    return jsontext.dumps(bundle), rows
