"""What a result counts as, by public bands and usual ranges; for adults who are not pregnant."""

from __future__ import annotations

from services.consult.messages import Citation, Fact
from services.consult.record import units, words
from services.consult.record.chart import Chart
from services.consult.record.kinds import ADULT_AGE
from services.consult.record.reading import Result
from services.consult.record.results import number_text
from services.consult.record.said import Said
from services.consult.record.tables import sources
from services.consult.record.wording import say


def meaning(result: Result, chart: Chart, language: str) -> Said:
    """The band that the value falls in, with its source; and the goal that the record lists."""
    adult = (chart.person.age_years or 0) >= ADULT_AGE and not chart.person.pregnant
    entry = words.data("facts/meanings").get(result.test)
    fits = adult and entry and units.plain(result.unit) == entry["unit"]
    number = result.number if fits and result.number is not None else float("nan")
    band = next((b for b in entry["bands"] if number < b["below"]), None) if fits else None
    if band:
        source = sources()[entry["source"]]
        rule = f"rule:meaning-{result.test}"
        told = f"{band[language]}{say('source', language, name=source.name)}"
        yield Fact(id=rule, kind="meaning", text=told)
        yield Citation(id=rule, title=source.name, source=source.name, url=source.url,
                       date=source.checked, quote=band[language])  # fmt: skip
    for goal in chart.goals:
        if result.test in words.test_phrases().find(goal.name):
            text = say("goal", language, name=goal.name)
            yield Fact(id=goal.ref, kind="goal", text=text, date=goal.day)


def usual_range(result: Result, chart: Chart, language: str) -> str:
    """The usual range of adults, for a result that came without one; "" when none applies."""
    table = words.data("facts/ranges")
    entry, person = table["tests"].get(result.test), chart.person
    adult = (person.age_years or 0) >= ADULT_AGE and not person.pregnant
    if not entry or not adult or units.plain(result.unit) != entry["unit"]:
        return ""
    bounds = entry.get("any") or entry.get(person.sex or "")
    if not bounds:
        return ""
    low, high = bounds
    span = f"{number_text(low or 0)} – {number_text(high or 0)}"  # noqa: RUF001  # en dash
    span = f"≤ {number_text(high)}" if low is None else span
    span = f"≥ {number_text(low)}" if high is None else span
    people = "adults" if "any" in entry else {"female": "women", "male": "men"}[str(person.sex)]
    source = sources()[table["source"]].name
    return say("usual-range", language, people=say(people, language),
               span=f"{span} {result.unit}".strip(), source=source)  # fmt: skip
