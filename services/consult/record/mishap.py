"""A dose taken by mistake: double, extra, somebody else's, the wrong one.

It is answered before the record is looked at: whom to call, with the country's number.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from importlib import resources
from typing import Any

from compliance.yamltext import read_yaml
from services.consult.messages import Citation, Fact
from services.consult.record import words
from services.consult.record.case import Case
from services.consult.record.said import Said
from services.consult.record.tables import sources
from services.consult.record.wording import say

RULE = "dose-by-mistake"
SPAN, STEP = 60, 30
"""A longer message is read in spans of so many words, each beginning so many after the last."""


@lru_cache(maxsize=4)
def _patterns(name: str) -> re.Pattern[str]:
    return re.compile("|".join(words.data("mishap")[name]))


@lru_cache(maxsize=1)
def _numbers() -> Mapping[str, Any]:
    """Whom to call in each country: the table of the triage rules, so that there is only one."""
    text = resources.files("services.consult.triage").joinpath("data/countries.yaml")
    table: Mapping[str, Any] = read_yaml(text.read_text("utf-8"))["countries"]
    return table


def is_mishap(text: str) -> bool:
    """Whether a folded question tells of a dose that was taken by mistake.

    It is read in spans: what a long message says elsewhere (a scan, something years ago) must not
    outweigh it, and the patterns' time grows with the cube of what they are given.
    """
    said = text.split()
    starts = range(0, max(1, len(said) - STEP), STEP)
    return any(_tells(" ".join(said[start : start + SPAN])) for start in starts)


def _tells(text: str) -> bool:
    """Whether a span tells of it: a plain account counts whatever else is asked."""
    if _patterns("told").search(text):
        return True
    return bool(_patterns("patterns").search(text)) and not _patterns("not").search(text)


def mishap(case: Case, named: Mapping[str, str], classes: Mapping[str, str], language: str) -> Said:
    """Say whom to call now; then the medicine as the record lists it, to be told on the phone."""
    numbers = _numbers().get(case.chart.person.country) or _numbers()["other"]
    source = sources()["poison"]
    text = (
        str(words.data("mishap")["text"][language])
        .format(
            poison=numbers["poison_line"][language], emergency=numbers["emergency_number"][language]
        )
        .replace(" a el ", " al ")
    )
    cited = Citation(
        id=f"rule:{RULE}",
        title=source.name,
        source=source.name,
        url=source.url,
        date=source.checked,
        quote=text,
    )
    told = text + say("source", language, name=source.name)
    yield Fact(id=cited.id, kind="interaction", text=told, warning=True)
    yield cited
    for order in case.chart.active_medicines if case.own else ():
        if set(order.generics) & set(named) or order.classes & set(classes):
            dose = say("dose", language, order, dose=order.dose) if order.dose else ""
            listed = say("medicine", language, order, name=order.name, since="")
            yield Fact(id=order.ref, kind="medicine", text=listed + dose, date=order.day)
