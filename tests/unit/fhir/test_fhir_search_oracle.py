"""Search against a plain reading of every resource: the index finds the same, and only that.

The oracle below walks the JSON of all resources for each query. It shares with the product the list
of elements that a parameter looks at, and nothing else.
"""

from __future__ import annotations

import json
import random
import re
import unicodedata
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from services.fhir.access import Access
from services.fhir.load import load_path
from services.fhir.sandbox import generate
from services.fhir.search.controls import Pair
from services.fhir.search.parameters import Parameter, described_types, parameters
from services.fhir.search.query import parse
from services.fhir.store import FhirStore
from services.store.database import Database

pytestmark = pytest.mark.xdist_group("oracle")  # the export is loaded once
PER_PARAMETER = 2
"""Values that are asked for of each parameter of each type."""
EARLIEST, LATEST = datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC)
Resource = dict[str, Any]
Span = tuple[datetime, datetime]


@pytest.fixture(scope="module")
def loaded(
    bulk_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[FhirStore, dict[str, list[Resource]]]]:
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('oracle')}/fhir.db")
    database.migrate("services.fhir")
    store = FhirStore(database)
    assert not load_path(store, bulk_folder).rejected
    made = [*generate(), *odd()]
    assert not store.put_many(made).rejected
    by_id = {(r["resourceType"], r["id"]): r for r in made}
    for file in sorted(bulk_folder.glob("*.ndjson")):
        for line in file.read_text("utf-8").splitlines():
            resource = json.loads(line)
            by_id.setdefault((resource["resourceType"], resource["id"]), resource)
    by_kind: dict[str, list[Resource]] = {}
    for (kind, _), resource in by_id.items():
        by_kind.setdefault(kind, []).append(resource)
    yield store, by_kind
    database.close()


def odd() -> Iterator[Resource]:
    """Values that exports have seldom: partial dates, open periods, ranges, accents, commas."""
    system, code = "urn:x|y,z", "a$b\\c"
    about = {"status": "final", "code": {"coding": [{"system": system, "code": code}]}}
    when: list[dict[str, Any]] = [
        {"effectiveDateTime": "2019"},
        {"effectiveDateTime": "2019-02"},
        {"effectiveDateTime": "2019-02-28T23:30:00-05:00"},
        {"effectivePeriod": {"start": "2019-02-27"}},
        {"effectivePeriod": {"end": "2019-03"}},
        {"effectiveTiming": {"event": ["2019-02-28", "2020-01-01T00:00:00.123Z"]}},
    ]
    amounts = [{"value": 5.4, "unit": "mg", "system": "http://unitsofmeasure.org", "code": "mg"},
               {"value": 5.40, "unit": "milligram"}, {"value": 5, "comparator": "<"},
               {"value": 5.5, "comparator": ">"}, {"value": -3}]  # fmt: skip
    for number, extra in enumerate(when):
        yield {"resourceType": "Observation", "id": f"odd-{number}", **about, **extra}
    for number, amount in enumerate(amounts):
        yield {"resourceType": "Observation", "id": f"q-{number}", **about, "valueQuantity": amount}
    yield {
        "resourceType": "Patient",
        "id": "odd",
        "name": [{"family": "Ångström-O'Neil, de", "given": ["Zoë  Ann", "İx"], "text": "100%_"}],
        "birthDate": "1950-02",
        "telecom": [{"system": "email", "value": "zoe@example.org"}, {"system": "phone"}],
    }


def at(value: Any, path: str) -> Iterator[Any]:
    """Values at a path, repetitions one by one."""
    step, _, rest = (
        path.partition(".") if "[" not in path.split(".", maxsplit=1)[0] else split_filter(path)
    )
    name, key, wanted = re.fullmatch(r"(\w+)(?:\[(\w+)=(.+)\])?", step).groups()  # type: ignore[union-attr]
    found = value.get(name) if isinstance(value, dict) else None
    for item in found if isinstance(found, list) else [found]:
        if item is None or (key and item.get(key) != wanted):
            continue
        if rest:
            yield from at(item, rest)
        else:
            yield item


def split_filter(path: str) -> tuple[str, str, str]:
    end = path.index("]") + 1
    return path[:end], ".", path[end + 1 :]


def taken(resource: Resource, parameter: Parameter) -> list[Any]:
    if parameter.any_of:
        own = parameters(resource["resourceType"])
        return [v for name in parameter.any_of for v in taken(resource, own[name])]
    return [value for path in parameter.paths for value in at(resource, path)]


def tokens(value: Any, parameter: Parameter) -> list[tuple[str, str]]:
    if isinstance(value, bool):
        return [("", str(value).lower())]
    if isinstance(value, str):
        return [(parameter.system, value)]
    if "coding" in value:
        return [(c.get("system", ""), c["code"]) for c in value["coding"] if "code" in c]
    code = value.get("code") or value.get("value")
    return [(value.get("system", ""), code)] if code else []


def words(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    names = ("text family given prefix suffix line city district state postalCode country").split()
    found = [value[name] for name in names if name in value]
    return [w for f in found for w in (f if isinstance(f, list) else [f])]


def folded(text: str) -> str:
    bare = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    kept = "".join(c for c in bare.casefold() if not unicodedata.category(c).startswith("P"))
    return " ".join(unicodedata.normalize("NFKD", kept).split())


def dated(text: str) -> Span:
    if len(text) == 4:
        return datetime(int(text), 1, 1, tzinfo=UTC), datetime(int(text) + 1, 1, 1, tzinfo=UTC)
    if len(text) == 7:
        first = datetime(int(text[:4]), int(text[5:]), 1, tzinfo=UTC)
        return first, (first + timedelta(days=32)).replace(day=1)
    if len(text) == 10:
        first = datetime.fromisoformat(text).replace(tzinfo=UTC)
        return first, first + timedelta(days=1)
    moment = datetime.fromisoformat(text)
    first = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    digits = len(text.partition(".")[2].rstrip("Z").partition("+")[0].partition("-")[0])
    return first, first + timedelta(microseconds=10 ** (6 - digits))


def spans(value: Any) -> list[Span]:
    if isinstance(value, str):
        return [dated(value)]
    if "event" in value or "repeat" in value:
        bounds = value.get("repeat", {}).get("boundsPeriod")
        return [dated(e) for e in value.get("event", [])] + (spans(bounds) if bounds else [])
    if not {"start", "end"} & set(value):
        return []
    low = dated(value["start"])[0] if "start" in value else EARLIEST
    return [(low, dated(value["end"])[1] if "end" in value else LATEST)]


def compares(prefix: str, target: Span, asked: Span) -> bool:
    inside = asked[0] <= target[0] and target[1] <= asked[1]
    return {
        "eq": inside,
        "ne": not inside,
        "gt": target[1] > asked[1],
        "lt": target[0] < asked[0],
        "ge": target[1] > asked[1] or inside,
        "le": target[0] < asked[0] or inside,
        "sa": target[0] >= asked[1],
        "eb": target[1] <= asked[0],
    }[prefix]


def found_by(store: FhirStore, kind: str, *pairs: Pair) -> set[str]:
    """Ids of all pages; each comes once."""
    ids: list[str] = []
    page = store.find(parse(kind, [*pairs, ("_count", "400")]), Access())
    while True:
        ids += [entry.id for entry in page.entries]
        if page.next is None:
            break
        page = store.find(page.next, Access())
    assert len(ids) == len(set(ids)) == page.total
    return set(ids)


def escaped(text: str) -> str:
    return re.sub(r"([\\,|$])", r"\\\1", text)


Loaded = tuple[FhirStore, dict[str, list[Resource]]]
KINDS = sorted(described_types())


def cases(loaded: Loaded, kind: str, *how: str) -> Iterator[tuple[Parameter, list[Resource]]]:
    resources = loaded[1].get(kind, [])
    for parameter in parameters(kind).values():
        if parameter.kind in how and parameter.name not in {"_id", "_lastUpdated"}:
            yield parameter, resources


def some(values: set[Any], parameter: Parameter) -> list[Any]:
    chosen = sorted(values, key=repr)
    random.Random(parameter.name).shuffle(chosen)  # noqa: S311  # which values, no secret
    return chosen[:PER_PARAMETER]


@pytest.mark.parametrize("kind", KINDS)
def test_codes_are_found_by_code_by_system_and_by_their_absence(loaded: Loaded, kind):
    for parameter, resources in cases(loaded, kind, "token"):
        own = {r["id"]: {t for v in taken(r, parameter) for t in tokens(v, parameter)}
               for r in resources}  # fmt: skip
        for system, code in some(set().union(*own.values()), parameter):
            s, c = escaped(system), escaped(code)
            with_code = {i for i, t in own.items() if any(x[1] == code for x in t)}
            exact = {i for i, t in own.items() if (system, code) in t}
            store, name = loaded[0], parameter.name
            assert found_by(store, kind, (name, c)) == with_code, (name, code)
            assert found_by(store, kind, (name, f"{s}|{c}")) == exact, (name, system, code)
            rest = set(own) - exact
            assert found_by(store, kind, (f"{name}:not", f"{s}|{c}")) == rest, (name, code)
        has = {r["id"] for r in resources if own[r["id"]]}
        assert found_by(loaded[0], kind, (f"{parameter.name}:missing", "false")) == has
        assert found_by(loaded[0], kind, (f"{parameter.name}:missing", "true")) == set(own) - has


@pytest.mark.parametrize("kind", KINDS)
def test_texts_are_found_by_beginning_by_part_and_exactly(loaded: Loaded, kind):
    for parameter, resources in cases(loaded, kind, "string"):
        own = {r["id"]: {w for v in taken(r, parameter) for w in words(v)} for r in resources}
        for text in some({w for ws in own.values() for w in ws if folded(w)}, parameter):
            half = text[: max(2, len(text) // 2)]
            middle = text[len(text) // 3 :]
            assert found_by(loaded[0], kind, (parameter.name, escaped(half))) == {
                i for i, ws in own.items() if any(folded(w).startswith(folded(half)) for w in ws)
            }, (parameter.name, half)
            assert found_by(loaded[0], kind, (f"{parameter.name}:exact", escaped(text))) == {
                i for i, ws in own.items() if text in ws
            }, (parameter.name, text)
            if folded(middle):
                asked = (f"{parameter.name}:contains", escaped(middle))
                assert found_by(loaded[0], kind, asked) == {
                    i for i, ws in own.items() if any(folded(middle) in folded(w) for w in ws)
                }, (parameter.name, middle)


@pytest.mark.parametrize("kind", KINDS)
def test_dates_compare_by_every_prefix_and_to_every_precision(loaded: Loaded, kind):
    for parameter, resources in cases(loaded, kind, "date"):
        own = {r["id"]: [s for v in taken(r, parameter) for s in spans(v)] for r in resources}
        moments = {s[0] for ss in own.values() for s in ss if s[0] > EARLIEST}
        for moment in some(moments, parameter)[:1]:
            text = moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
            for cut in (4, 7, 10, 20):
                asked = dated(text[:cut])
                for prefix in ("eq", "ne", "gt", "lt", "ge", "le", "sa", "eb"):
                    wanted = {
                        i for i, ss in own.items() if any(compares(prefix, s, asked) for s in ss)
                    }
                    pair = (parameter.name, prefix + text[:cut])
                    assert found_by(loaded[0], kind, pair) == wanted, pair


@pytest.mark.parametrize("kind", KINDS)
def test_references_are_found_by_id_by_type_and_by_what_they_lead_to(loaded: Loaded, kind):
    known = {(k, r["id"]): r for k, rs in loaded[1].items() for r in rs}
    numbers: dict[str, list[tuple[str, str]]] = {}
    for key, resource in known.items():
        for one in resource.get("identifier", ()) if key[0] != "Patient" else ():
            if isinstance(one, dict):
                numbers.setdefault(f"{one.get('system', '')}|{one.get('value')}", []).append(key)
    for parameter, resources in cases(loaded, kind, "reference"):
        own = {r["id"]: {t for v in taken(r, parameter) for t in pointed(v, numbers)
                         if parameter.target in {"", t[0]}} for r in resources}  # fmt: skip
        for target in some(set().union(*own.values()), parameter):
            wanted = {i for i, ts in own.items() if target in ts}
            reference = f"{target[0]}/{target[1]}"
            assert found_by(loaded[0], kind, (parameter.name, reference)) == wanted, reference
            typed = (f"{parameter.name}:{target[0]}", target[1])
            assert found_by(loaded[0], kind, typed) == wanted, typed
            chained = (f"{parameter.name}:{target[0]}._id", target[1])
            assert found_by(loaded[0], kind, chained) == (wanted if target in known else set())
            if target in known and wanted:
                source = min(wanted)
                has = (f"_has:{kind}:{parameter.name}:_id", source)
                assert target[1] in found_by(loaded[0], target[0], has), (has, target)


def pointed(value: Any, numbers: dict[str, list[tuple[str, str]]]) -> list[tuple[str, str]]:
    text = value.get("reference", "") if isinstance(value, dict) else ""
    if "?identifier=" in text:
        kind, _, number = text.partition("?identifier=")
        return [key for key in numbers.get(number, ()) if key[0] == kind]
    kind, _, identity = text.rpartition("/")
    return [(kind, identity)] if re.fullmatch(r"[A-Z][A-Za-z]+", kind) else []


AMOUNTS = [("5.4", 5.35, 5.45), ("5", 4.5, 5.5), ("5.40", 5.395, 5.405), ("1e1", 9.5, 10.5),
           ("-3", -3.5, -2.5), ("100", 99.5, 100.5)]  # fmt: skip


@pytest.mark.parametrize(("text", "low", "high"), AMOUNTS)
def test_amounts_compare_by_the_digits_that_were_written(loaded: Loaded, text, low, high):
    number = float(text)
    meaning = {
        "": lambda a, b: low <= a and b < high,
        "eq": lambda a, b: low <= a and b < high,
        "ne": lambda a, b: not (low <= a and b < high),
        "gt": lambda _, b: b > number,
        "lt": lambda a, _: a < number,
        "ge": lambda _, b: b >= number,
        "le": lambda a, _: a <= number,
        "sa": lambda a, _: a > number,
        "eb": lambda _, b: b < number,
    }
    ranges = {}
    for resource in loaded[1]["Observation"]:
        quantity = resource.get("valueQuantity")
        if quantity:
            a = b = float(quantity["value"])
            sign = quantity.get("comparator", "")
            ranges[resource["id"]] = (
                float("-inf") if "<" in sign else a,
                float("inf") if ">" in sign else b,
            )
    for prefix, holds in meaning.items():
        found = found_by(loaded[0], "Observation", ("value-quantity", prefix + text))
        assert found == {i for i, (a, b) in ranges.items() if holds(a, b)}, prefix
