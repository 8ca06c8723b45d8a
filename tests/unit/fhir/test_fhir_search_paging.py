"""Pages: complete, each match once, whatever is written in between."""

from __future__ import annotations

import random
from typing import Any

import pytest

from services.fhir.access import Access
from services.fhir.search import cursor as cursors
from services.fhir.search.controls import Pair
from services.fhir.search.errors import FhirCursorError
from services.fhir.search.query import parse
from services.fhir.store import FhirStore

Resource = dict[str, Any]


def observation(number: int, day: int | None = None, **more: Any) -> Resource:
    dated = {} if day is None else {"effectiveDateTime": f"2024-01-{day:02d}"}
    base = {"resourceType": "Observation", "id": f"o{number:03d}", "status": "final"}
    return base | {"code": {"text": "x"}, "subject": {"reference": "Patient/p"}} | dated | more


@pytest.fixture
def filled(store: FhirStore) -> FhirStore:
    days = [None if n % 7 == 0 else n % 5 + 1 for n in range(40)]
    store.put_many([observation(n, day) for n, day in enumerate(days)])
    return store


def walk(store: FhirStore, *pairs: Pair, between: Any = None) -> list[str]:
    """Ids of all pages; ``between`` is called before each page after the first."""
    found = store.find(parse("Observation", [*pairs, ("_count", "6")]))
    ids = [entry.id for entry in found.entries]
    while found.next is not None:
        if between is not None:
            between()
        found = store.find(found.next)
        ids += [entry.id for entry in found.entries]
    return ids


ORDERS = ["", "date", "-date", "-date,_id", "status,-date", "_lastUpdated", "-_lastUpdated", "-_id"]


@pytest.mark.parametrize("order", ORDERS)
def test_pages_hold_every_match_once(filled: FhirStore, order):
    ids = walk(filled, *([("_sort", order)] if order else []))
    assert sorted(ids) == [f"o{n:03d}" for n in range(40)]


def test_the_order_is_by_key_then_id_and_what_has_no_value_comes_last(filled: FhirStore):
    def day(identity: str) -> int | None:
        number = int(identity[1:])
        return None if number % 7 == 0 else number % 5 + 1

    everyone = [f"o{n:03d}" for n in range(40)]
    rising = sorted(everyone, key=lambda i: (day(i) is None, day(i) or 0, i))
    falling = sorted(everyone, key=lambda i: (day(i) is None, -(day(i) or 0), i))
    assert walk(filled, ("_sort", "date")) == rising
    assert walk(filled, ("_sort", "-date")) == falling


@pytest.mark.parametrize("order", ORDERS)
def test_new_resources_neither_repeat_nor_hide_what_was_there(filled: FhirStore, order):
    chance, made = random.Random(order), iter(range(1000))  # noqa: S311  # which ones, no secret

    def write() -> None:
        filled.put(
            {**observation(next(made), chance.randint(1, 5)), "id": f"n{chance.random():.9f}"}
        )

    ids = walk(filled, *([("_sort", order)] if order else []), between=write)
    old = [identity for identity in ids if identity.startswith("o")]
    assert sorted(old) == [f"o{n:03d}" for n in range(40)]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("order", ORDERS)
def test_a_change_hides_nothing_and_repeats_nothing_but_what_changed(filled: FhirStore, order):
    chance = random.Random(order)  # noqa: S311  # which ones, no secret
    changed: set[str] = set()

    def write() -> None:
        number = chance.randrange(40)
        changed.add(f"o{number:03d}")
        filled.put(
            observation(
                number, chance.randint(1, 5), issued=f"2024-01-01T00:00:{len(changed):02d}Z"
            )
        )

    ids = walk(filled, *([("_sort", order)] if order else []), between=write)
    assert set(ids) == {f"o{n:03d}" for n in range(40)}
    kept = [identity for identity in ids if identity not in changed]
    assert len(kept) == len(set(kept))


def test_a_deletion_hides_nothing_else(filled: FhirStore):
    gone = iter(range(39, 0, -1))

    def delete() -> None:
        identity = f"o{next(gone):03d}"
        filled.write(lambda writer: writer.delete("Observation", identity))

    ids = walk(filled, ("_sort", "-_id"), between=delete)
    assert len(ids) == len(set(ids))
    assert {f"o{n:03d}" for n in range(10)} <= set(ids)


def test_the_total_is_counted_unless_it_is_not_wanted(filled: FhirStore):
    def total(*pairs: Pair) -> int | None:
        return filled.find(parse("Observation", pairs)).total

    assert total() == total(("_count", "3")) == total(("_count", "0")) == 40
    assert total(("_summary", "count"), ("_total", "none")) == 40
    assert total(("_total", "none")) is None
    assert total(("_total", "accurate"), ("date", "2024-01-01")) == 6


def test_another_process_continues_where_one_ended(filled: FhirStore, database):
    cursor = filled.find(parse("Observation", [("_count", "39")])).next
    assert cursor is not None
    assert [e.id for e in FhirStore(database).find(cursor).entries] == ["o039"]


def test_an_old_cursor_is_gone_and_says_so(filled: FhirStore, monkeypatch):
    found = filled.find(parse("Observation", [("_count", "1")]))
    assert found.next is not None
    monkeypatch.setattr(cursors, "MAX_AGE_S", -1)
    with pytest.raises(FhirCursorError) as raised:
        filled.find(found.next)
    assert raised.value.status == 410
    assert "again" in raised.value.advice


def test_a_cursor_of_a_record_is_none_of_a_search(filled: FhirStore):
    filled.put({"resourceType": "Patient", "id": "p"})
    found = filled.find(parse("Observation", [("_count", "1")]), Access())
    assert found.next is not None
    with pytest.raises(FhirCursorError):
        filled.record_page(found.next)
