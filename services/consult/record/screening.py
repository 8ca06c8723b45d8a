"""Answers on screening tests: the last one recorded, and when the next is due."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from services.consult.messages import Citation, Fact
from services.consult.record import words
from services.consult.record.asked import Asked
from services.consult.record.chart import Chart
from services.consult.record.reading import Item
from services.consult.record.safety import condition_name
from services.consult.record.said import Said
from services.consult.record.tables import sources
from services.consult.record.wording import day_text, say, years_later

FULL_DATE = 10
"""Characters of a complete ISO date."""


def screening(asked: Asked, chart: Chart, language: str) -> Said:
    """What the record shows of a test, then the general schedule; what is against it first."""
    table = words.data("facts/screening")
    sought = dict(asked.procedures) or {
        key: key.replace("_", " ")
        for key, entry in table["tests"].items()
        if _applies(entry, chart)
    }
    for key, phrase in sought.items():
        entry = table["tests"].get(key)
        if entry is None:
            continue
        yield from _against(entry, chart, language)
        yield _shown(key, phrase, entry, chart, language)
        source = sources()[entry.get("source", table["source"])]
        text = entry[language] + say("source", language, name=source.name)
        yield Fact(id=f"rule:screening-{key}", kind="screening", text=text)
        yield Citation(id=f"rule:screening-{key}", title=source.name, source=source.name,
                       url=source.url, date=source.checked, quote=entry[language])  # fmt: skip


def _against(entry: Mapping[str, Any], chart: Chart, language: str) -> Said:
    for condition in chart.conditions:
        if condition.keys & set(entry["but"]):
            have = condition_name(condition, language)
            text = say("screening-but", language, have=have)
            yield Fact(id=condition.ref, kind="condition", text=text, warning=True)
            return


def _shown(key: str, phrase: str, entry: Mapping[str, Any], chart: Chart, language: str) -> Fact:
    parts = words.data("vaccines")["procedures"][key]["text"]
    done: list[Item] = [
        p for p in chart.procedures if any(part in p.name.lower() for part in parts)
    ]
    if not done:
        applies = _applies(entry, chart)
        sentence = "screening-none" if applies else "screening-outside"
        text = say(sentence, language, name=phrase)
        return Fact(id=f"{chart.patient_ref}#no-{key}", kind="screening", text=text)
    last = done[0]
    day = day_text(last.day, language)
    if not last.day or len(last.day) < FULL_DATE or not entry["every"]:
        text = say("procedure", language, name=last.name, when=say("on-day", language, day=day))
    else:
        due = years_later(date.fromisoformat(last.day), entry["every"])
        sentence = "screening-overdue" if due <= chart.today else "screening-due"
        text = say(sentence, language, day=day, due=day_text(due.isoformat(), language))
    return Fact(id=last.ref, kind="screening", text=text, date=last.day)


def _applies(entry: Mapping[str, Any], chart: Chart) -> bool:
    """Whether the general schedule calls for the test at the person's age and sex."""
    age, sex = chart.person.age_years, chart.person.sex
    keys = {key for c in chart.conditions if c.active for key in c.keys}
    if "only" in entry and not keys & set(entry["only"]):
        return False
    fits = age is not None and entry["from"] <= age <= entry["to"]
    return fits and entry["sex"] in {"any", sex}
