"""What the record does not say, where a reader would look for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from services.consult.record import words
from services.consult.record.reading import Medicine
from services.consult.record.safety import condition_name
from services.hospital.chart.models import Line
from services.hospital.chart.vaccines import ADULT
from services.hospital.chart.view import View, rules

FOLLOWED_DAYS = 365
"""How far back a result is looked for, in days."""
NAMED = 6
"""Medicines that one gap names; the others are counted."""


def gaps(view: View) -> list[Line]:
    """Every gap; one that concerns several entries is one line."""
    return [*_medicines(view), *_allergies(view), *_tests(view), *_person(view)]


def _gap(view: View, key: str, sources: Sequence[str], **values: object) -> Line:
    return Line(text=view.say(key, **values), sources=tuple(sources), flag="gap")


def _medicines(view: View) -> Iterator[Line]:
    active = view.chart.active_medicines
    if not active:
        yield _gap(view, "gap.no_medicines", [view.whole])
    kinds: dict[str, list[Medicine]] = {
        "gap.indication": [m for m in active if not m.reasons],
        "gap.dose": [m for m in active if not m.dose],
        "gap.unknown": [m for m in active if not m.generics],
    }
    for key, found in kinds.items():
        if found:
            names = ", ".join(m.name or view.say("unnamed") for m in found[:NAMED])
            if len(found) > NAMED:
                names = view.say("gap.more", names=names, count=len(found) - NAMED)
            yield _gap(view, key, [m.ref for m in found], names=names)


def _allergies(view: View) -> Iterator[Line]:
    if not view.chart.allergies:
        yield _gap(view, "gap.allergies", [view.whole])


def _tests(view: View) -> Iterator[Line]:
    """Active conditions without a result of the test that they are followed by."""
    table = words.data("tests")["tests"]
    for key, test in rules()["followed"].items():
        found = [
            c for c in view.chart.conditions if c.active and not c.unconfirmed and key in c.keys
        ]
        newest = next(iter(view.chart.latest(test)), None)
        if not found or (newest and view.chart.within(newest.day, FOLLOWED_DAYS)):
            continue
        name = condition_name(found[0], view.language)
        sources = [found[0].ref, *([newest.ref] if newest else [])]
        last = {"day": newest.day} if newest and newest.day else {}
        word = "gap.test_old" if last else "gap.test"
        yield _gap(view, word, sources, name=name, test=table[test][view.language], **last)


def _person(view: View) -> Iterator[Line]:
    """What the rules need of the person and do not find."""
    person = view.chart.person
    if person.age_years is None:
        yield _gap(view, "gap.age", [view.whole])
    elif person.age_years < ADULT:
        yield _gap(view, "gap.child", [view.whole], age=ADULT)
    if view.record.patient.get("active") is False:
        yield _gap(view, "gap.inactive", [view.whole])
