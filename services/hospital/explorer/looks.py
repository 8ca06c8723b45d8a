"""What may be worth a look in a trail, found by rule; each with its reason, none of it a verdict.

A rule knows no circumstances: a ward at night, a locum, a person who reads their own chart for a
good cause look the same to it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from compliance.audit.index import Search, TrailIndex

MANY_CHARTS, MANY_FAILURES, MANY_REFUSALS, MANY_AT_NIGHT = 20, 5, 5, 3
NIGHT_BEGINS, NIGHT_ENDS = 22, 6
MOST_PAIRS = 500
MOST_LOOKS = 200
SEEN = ("read", "search", "everything", "history")
"""Acts by which a person's data is seen."""
_CHART = "act = 'read' and what like 'chart:%' and outcome = '0'"


@dataclass(frozen=True)
class Look:
    """One thing that may be worth a look.

    Attributes:
        rule: ``many-charts``, ``emergency``, ``night``, ``failed-sign-ins``, ``refused``,
            ``own-name`` or ``no-relation``.
        count: of what the rule counts.
        who: id of the account; ``unknown`` where nobody was known.
        latest: when it was last so, ISO 8601 in UTC.
        search: finds the events.
    """

    rule: str
    count: int
    who: str
    latest: str
    search: Search


@dataclass(frozen=True)
class Known:
    """What rules ask of accounts and record.

    Attributes:
        same_name: whether an account and a Patient (by id) have a family name in common.
        treats: whether an account treats a Patient by the record now.
        zone: in which nights are nights; None takes the machine's.
    """

    same_name: Callable[[str, str], bool]
    treats: Callable[[str, str], bool]
    zone: tzinfo | None = None


def looks(index: TrailIndex, since: datetime, known: Known) -> list[Look]:
    """Everything that a rule finds since a moment, the newest first."""
    found = [
        *_many_charts(index, since),
        *_emergencies(index, since),
        *_nights(index, since, known.zone),
        *_failures(index, since),
        *_refusals(index, since),
        *_pairs(index, since, known),
    ]
    return sorted(found, key=lambda one: one.latest, reverse=True)[:MOST_LOOKS]


def _many_charts(index: TrailIndex, since: datetime) -> Iterator[Look]:
    query = f"""select who, substr(time, 1, 13), count(distinct patient), max(time) from entry
        where time >= ? and {_CHART} group by 1, 2 having count(distinct patient) >= ?"""
    for who, hour, count, latest in _asked(index, query, since, MANY_CHARTS):
        begins = datetime.fromisoformat(f"{hour}:00:00+00:00")
        within = Search(begins, begins + timedelta(hours=1), who=who, acts=SEEN)
        yield Look("many-charts", int(count), who, latest, within)


def _emergencies(index: TrailIndex, since: datetime) -> Iterator[Look]:
    query = """select who, patient, count(*), max(time) from entry
        where act = 'break-glass' and time >= ? group by 1, 2"""
    for who, patient, count, latest in _asked(index, query, since):
        search = Search(since, who=who, patient=patient)
        yield Look("emergency", int(count), who, latest, search)


def _nights(index: TrailIndex, since: datetime, zone: tzinfo | None) -> Iterator[Look]:
    query = f"""select who, substr(time, 1, 13), count(distinct patient), max(time) from entry
        where time >= ? and {_CHART} group by 1, 2"""
    nights, latest = Counter[tuple[str, str]](), dict[tuple[str, str], str]()
    for who, hour, charts, last in _asked(index, query, since):
        local = datetime.fromisoformat(f"{hour}:00:00+00:00").astimezone(zone)
        if NIGHT_ENDS <= local.hour < NIGHT_BEGINS:
            continue
        night = (local - timedelta(hours=NIGHT_ENDS)).date().isoformat()
        nights[who, night] += int(charts)
        latest[who, night] = max(last, latest.get((who, night), ""))
    for (who, night), count in nights.items():
        if count >= MANY_AT_NIGHT:
            evening = datetime.fromisoformat(latest[who, night]) - timedelta(hours=10)
            yield Look(
                "night", count, who, latest[who, night],
                Search(evening, evening + timedelta(hours=11), who=who, acts=SEEN),
            )  # fmt: skip


def _failures(index: TrailIndex, since: datetime) -> Iterator[Look]:
    query = """select who, client, substr(time, 1, 13), count(*), max(time) from entry
        where act = 'sign-in' and outcome <> '0' and time >= ? group by 1, 2, 3
        having count(*) >= ?"""
    for who, client, hour, count, latest in _asked(index, query, since, MANY_FAILURES):
        begins = datetime.fromisoformat(f"{hour}:00:00+00:00")
        search = Search(
            begins, begins + timedelta(hours=1), who=who, client=client, act="sign-in",
            outcome="failed",
        )  # fmt: skip
        yield Look("failed-sign-ins", int(count), who, latest, search)


def _refusals(index: TrailIndex, since: datetime) -> Iterator[Look]:
    query = """select who, substr(time, 1, 10), count(distinct what), max(time) from entry
        where act = 'read' and outcome = '8' and time >= ? group by 1, 2
        having count(distinct what) >= ?"""
    for who, day, count, latest in _asked(index, query, since, MANY_REFUSALS):
        begins = datetime.fromisoformat(f"{day}T00:00:00+00:00")
        search = Search(begins, begins + timedelta(days=1), who=who, outcome="failed")
        yield Look("refused", int(count), who, latest, search)


def _pairs(index: TrailIndex, since: datetime, known: Known) -> Iterator[Look]:
    """Who opened whose chart, held against the record; emergency access is told elsewhere."""
    query = f"""select who, patient, count(*), max(time) from entry
        where time >= ? and {_CHART} and patient like 'Patient/%' group by 1, 2
        order by 4 desc limit ?"""
    glass: dict[str, set[str]] = defaultdict(set)
    for who, patient in index.rows("select who, patient from entry where act = 'break-glass'"):
        glass[str(who)].add(str(patient))
    for who, patient, count, latest in _asked(index, query, since, MOST_PAIRS):
        id_, search = patient.removeprefix("Patient/"), Search(since, who=who, patient=patient)
        if known.same_name(who, id_):
            yield Look("own-name", int(count), who, latest, search)
        if patient not in glass[who] and not known.treats(who, id_):
            yield Look("no-relation", int(count), who, latest, search)


def _asked(
    index: TrailIndex, query: str, since: datetime, *values: object
) -> Iterable[tuple[str, ...]]:
    rows = index.rows(query, since.isoformat(), *values)
    return [tuple(str(part) for part in row) for row in rows]
