"""Medicine safety: what the person's own record has to say about a medicine in question.

The rules and their sources are data (``interactions.yaml``, ``allergies.yaml``). A rule can only
warn. That none fires is not said: it would sound like "safe", and the table is small.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.consult.messages import Citation, Fact
from services.consult.record import words
from services.consult.record.chart import Chart
from services.consult.record.reading import Allergy, Condition, Item
from services.consult.record.wording import listed, say, sentence_case

Template = Mapping[str, Any]
BROAD = frozenset({"antibiotic"})
"""Classes of medicines that are not alike, so that an allergy to one is none to all."""


@dataclass(frozen=True)
class Subject:
    """A medicine in question: its generic name or None for a class, its classes, how to call it."""

    name: str | None
    classes: frozenset[str]
    called: str

    @property
    def terms(self) -> frozenset[str]:
        """Everything a rule may name it by."""
        return self.classes | ({self.name} if self.name else set())


@dataclass(frozen=True)
class Warned:
    """A warning in words, with the source of its rule (None when the record alone says it)."""

    fact: Fact
    source: Citation | None


def subjects(medicines: Mapping[str, str], classes: Iterable[str], language: str) -> list[Subject]:
    """Return what is asked about.

    Args:
        medicines: generic names, each with the words that the person used.
        classes: classes named as such.
        language: of the person.
    """
    names = [
        Subject(name, words.classes_of(name), _as_asked(name, phrase, language))
        for name, phrase in medicines.items()
    ]
    table = words.data("classes")
    return names + [Subject(None, frozenset({key}), table[key][language]) for key in classes]


def _as_asked(name: str, phrase: str, language: str) -> str:
    """Call it as the person did: a brand with its generic name, a Spanish name as it is."""
    alike = words.fold(phrase)[:4] == words.fold(name)[:4]
    if alike:
        return phrase if language == "es" else name
    return f"{phrase.capitalize()} ({name})"


def reaction_text(allergy: Allergy, language: str) -> str:
    """Say what is recorded: "an allergy (reaction: Hives)"."""
    kind = say("a-intolerance" if allergy.intolerance else "a-allergy", language)
    if allergy.reactions:
        kind += say("reaction", language, list=listed(allergy.reactions, language))
    return kind


def warnings(subject: Subject, chart: Chart, language: str) -> list[Warned]:
    """Return every warning of the record about one medicine, allergies first."""
    found = [*_allergies(subject, chart, language), *_rules(subject, chart, language)]
    return list({item.fact.id: item for item in found}.values())


def warnings_without_interactions(subject: Subject, chart: Chart, language: str) -> list[Warned]:
    """The same without what concerns two medicines: for questions on a medicine already taken."""
    kept = [rule for rule in words.data("interactions") if "medicine" not in rule["with"]]
    fired = [w for rule in kept for w in _rule(rule, subject, chart, language)]
    return [*_allergies(subject, chart, language), *fired]


def _allergies(subject: Subject, chart: Chart, language: str) -> Iterator[Warned]:
    for allergy in chart.allergies:
        said = {
            "asked": subject.called,
            "allergen": allergy.name,
            "reaction": reaction_text(allergy, language),
        }
        exact = subject.name in allergy.generics or (
            subject.name is None and subject.classes & allergy.classes
        )
        if exact and subject.classes & BROAD and subject.name is None:
            text = say("allergy", language, reaction=said["reaction"], name=allergy.name)
            text += say("tell-prescriber", language, asked=subject.called)
            yield _warned(allergy, "broad-class", text, None, language)
        elif exact:
            text = sentence_case(say("same-medicine", language, **said))
            yield _warned(allergy, "same-medicine", text, None, language)
        else:
            yield from _related(subject, allergy, said, language)


def _related(
    subject: Subject, allergy: Allergy, said: Mapping[str, str], language: str
) -> Iterator[Warned]:
    for rule in words.data("allergies"):
        if group := _cross(rule, subject, allergy):
            shown = words.data("classes").get(group, {}).get(language, group)
            text = sentence_case(rule[language].format(group=shown, **said))
            yield _warned(allergy, rule["id"], text, rule["source"], language)
            return


def _cross(rule: Template, subject: Subject, allergy: Allergy) -> str | None:
    recorded = allergy.classes & set(rule["to"])
    if rule["asked"] == "same":
        return min(recorded & subject.classes, default=None)
    return min(recorded, default=None) if subject.classes & set(rule["asked"]) else None


def _rules(subject: Subject, chart: Chart, language: str) -> Iterator[Warned]:
    fired: set[str] = set()
    for rule in words.data("interactions"):
        if rule["id"] == "nsaid-kidney-function" and "nsaid-kidney-condition" in fired:
            continue  # both would say the same
        for warned in _rule(rule, subject, chart, language):
            fired.add(rule["id"])
            yield warned


def _rule(rule: Template, subject: Subject, chart: Chart, language: str) -> Iterator[Warned]:
    having = rule["with"]
    asked, taken = set(rule["asked"]), set(having.get("medicine", ()))
    matches: Sequence[Item] = ()
    if subject.terms & asked:
        matches = _medicines(taken, subject, chart) if taken else _state(having, chart)
    if not matches and rule.get("both") and subject.terms & taken:
        matches = _medicines(asked, subject, chart)
    if not matches:
        return
    have = listed([_called(item, language) for item in matches], language)
    text = sentence_case(rule[language].format(asked=subject.called, have=have))
    own = {generic for medicine in chart.active_medicines for generic in medicine.generics}
    if taken and subject.name in own:
        text += say("both-listed", language)
    yield _warned(matches[0], rule["id"], text, rule["source"], language)


def condition_name(condition: Condition, language: str) -> str:
    """Return the name as recorded; in Spanish after the table's name where there is one."""
    entries = words.data("conditions")
    known = [entries[key]["es"] for key in sorted(condition.keys) if key in entries]
    plain = language == "en" or not known or known[0].lower() == condition.name.lower()
    return condition.name if plain else f"{known[0]} ({condition.name})"


def _called(item: Item, language: str) -> str:
    if isinstance(item, Condition):
        return condition_name(item, language)
    called = getattr(item, "called", None)
    return str(called or getattr(item, "value", None) or item.name)


def _medicines(terms: set[str], subject: Subject, chart: Chart) -> list[Item]:
    return [
        medicine
        for medicine in chart.active_medicines
        if (medicine.classes | set(medicine.generics)) & terms
        and subject.name not in medicine.generics
    ]


def _state(having: Mapping[str, Any], chart: Chart) -> Sequence[Item]:
    if conditions := set(having.get("condition", ())):
        return [
            c for c in chart.conditions if c.active and not c.unconfirmed and c.keys & conditions
        ][:1]
    if having.get("pregnant"):
        return [Item(chart.pregnancy_ref, "pregnancy", None)] if chart.person.pregnant else []
    if "egfr_below" in having:
        return _number(chart, "egfr", having.get("egfr_from", 0), having["egfr_below"])
    if "potassium_above" in having:
        return _number(chart, "potassium", having["potassium_above"] + 1e-9, float("inf"))
    age = chart.person.age_years
    fits = age is not None and having.get("age_over", -1) < age < having.get("age_below", 999)
    return [Item(chart.patient_ref, "age", None)] if fits else []


def _number(chart: Chart, test: str, low: float, high: float) -> list[Item]:
    result = chart.fresh_number(test)
    number = result.number if result else None
    return [result] if result and number is not None and low <= number < high else []


def _warned(
    item: Item, rule: str, text: str, source: Mapping[str, str] | None, language: str
) -> Warned:
    kind = "allergy" if isinstance(item, Allergy) else "interaction"
    identity = f"{item.ref}#{rule}"
    if source is None:
        return Warned(Fact(id=identity, kind=kind, text=text, date=item.day, warning=True), None)
    text += say("source", language, name=source["name"])
    fact = Fact(id=identity, kind=kind, text=text, date=item.day, warning=True)
    cited = Citation(
        id=f"rule:{rule}",
        title=source["name"],
        source=source["name"],
        url=source["url"],
        quote=text,
    )
    return Warned(fact, cited)
