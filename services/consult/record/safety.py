"""Medicine safety: what stands against a medicine in question, for this person.

The rules and their sources are data (``facts/``, ``allergies.yaml``). A rule can only warn. That
none fires is not said: it would sound like "safe", and the tables are small.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from services.consult.messages import Citation, Fact
from services.consult.record import words
from services.consult.record.case import STATED, Case
from services.consult.record.chart import Chart
from services.consult.record.reading import Allergy, Condition, Item, Medicine
from services.consult.record.tables import Rule, Source, rules, sources
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
    grave: bool = False
    pair: bool = False

    @property
    def rank(self) -> tuple[bool, ...]:
        """Allergies come first, then what must never be done, then what is to be asked about.

        Of what must not be done, a condition of the person says more than a second medicine; of
        the rest, the second medicine does.
        """
        never = self.grave and any(word in self.fact.text for word in ("swelling", "life-threat"))
        return self.fact.kind != "allergy", not self.grave, not never, self.grave == self.pair


def subjects(medicines: Mapping[str, str], classes: Iterable[str], language: str) -> list[Subject]:
    """Return what is asked about.

    Args:
        medicines: generic names, each with the words that the person used.
        classes: classes named as such.
        language: of the person.
    """
    names = [
        Subject(name, words.classes_of(name), as_asked(name, phrase, language))
        for name, phrase in medicines.items()
    ]
    table = words.data("classes")
    return names + [Subject(None, frozenset({key}), table[key][language]) for key in classes]


def as_asked(name: str, phrase: str, language: str) -> str:
    """Call it as the person did: a brand with its generic name, a Spanish name as it is.

    A word that means other substances too is not followed by one of them.
    """
    if words.fold(phrase) in words.wide_phrases():
        return phrase
    if words.fold(phrase)[:4] == words.fold(name)[:4]:
        return phrase if language == "es" else name
    return f"{words.titled(phrase)} ({name})"


def reaction_text(allergy: Allergy, language: str) -> str:
    """Say what is recorded: "an allergy (reaction: Hives)"."""
    kind = say("a-intolerance" if allergy.intolerance else "a-allergy", language)
    if allergy.reactions:
        shown = [words.translated(reaction, language) for reaction in allergy.reactions]
        kind += say("reaction", language, list=listed(shown, language))
    return kind


def warnings(subject: Subject, case: Case, language: str) -> list[Warned]:
    """Return every warning about one medicine, allergies first."""
    found = [*_allergies(subject, case, language), *_rules(subject, case, language)]
    once: dict[str, Warned] = {}
    for item in found:
        once.setdefault(item.fact.id, item)
    return sorted(once.values(), key=lambda w: w.rank)


def warnings_without_interactions(subject: Subject, case: Case, language: str) -> list[Warned]:
    """The same without what concerns two medicines: for questions on a medicine already taken."""
    fired = [w for rule in rules() if not rule.taken for w in _rule(rule, subject, case, language)]
    return [*_allergies(subject, case, language), *fired]


def _allergies(subject: Subject, case: Case, language: str) -> Iterator[Warned]:
    for allergy in case.chart.allergies if case.own else ():
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


def holding(things: Iterable[str], chart: Chart, language: str) -> Iterator[Warned]:
    """Warn of things of daily life that hold what the record lists an allergy to."""
    table = words.data("allergens")
    source = Source(**table["source"], checked=None)
    for thing in things:
        groups = [g for g in table["groups"].values() if thing in g["names"]]
        stems = [stem for group in groups for stem in group["recorded"]]
        for allergy in chart.allergies:
            if not allergy.none and any(stem in words.fold(allergy.name) for stem in stems):
                said = {"allergen": allergy.name, "reaction": reaction_text(allergy, language)}
                text = table[language].format(asked=words.titled(thing), **said)
                if thing.rstrip("s") in words.fold(allergy.name):
                    text = say("allergy", language, reaction=said["reaction"], name=allergy.name)
                    text += say("avoid-allergen", language)
                yield _warned(allergy, "holds-allergen", text, source, language)


def _related(
    subject: Subject, allergy: Allergy, said: Mapping[str, str], language: str
) -> Iterator[Warned]:
    for rule in words.data("allergies"):
        if group := _cross(rule, subject, allergy):
            shown = words.data("classes").get(group, {}).get(language, group)
            text = sentence_case(rule[language].format(group=shown, **said))
            source = Source(**rule["source"], checked=None)
            yield _warned(allergy, rule["id"], text, source, language)
            return


def _cross(rule: Template, subject: Subject, allergy: Allergy) -> str | None:
    recorded = allergy.classes & set(rule["to"])
    if rule["asked"] == "same":
        return min(recorded & subject.classes, default=None)
    return min(recorded, default=None) if subject.classes & set(rule["asked"]) else None


def _rules(subject: Subject, case: Case, language: str) -> Iterator[Warned]:
    fired: set[str] = set()
    for rule in rules():
        if rule.id == "nsaid-kidney-function" and "nsaid-kidney-condition" in fired:
            continue  # both would say the same
        for warned in _rule(rule, subject, case, language):
            fired.add(rule.id)
            yield warned


def _rule(rule: Rule, subject: Subject, case: Case, language: str) -> Iterator[Warned]:
    if rule.taken:
        yield from _pair(rule, subject, case, language)
        return
    if not subject.terms & set(rule.asked):
        return
    if not rule.owned and (case.takes(subject.name) or not case.situation.possessive):
        return
    for item, opening in case.matches(rule, language):
        text = _joined(opening, rule.text.within(language)).format(asked=subject.called)
        source = sources()[rule.source]
        warned = _warned(item, rule.id, sentence_case(text), source, language)
        yield replace(warned, grave=rule.grave)


def _pair(rule: Rule, subject: Subject, case: Case, language: str) -> Iterator[Warned]:
    asked, taken = set(rule.asked), set(rule.taken)
    forward = bool(subject.terms & asked)
    matches = case.medicines(taken, subject.name) if forward else []
    if not matches and rule.both and subject.terms & taken:
        forward, matches = False, case.medicines(asked, subject.name)
    if not matches:
        return
    have = listed([called(item, language) for item in matches], language)
    first, second = (subject.called, have) if forward else (have, subject.called)
    text = _joined(case.opening(matches, have, language), rule.text.within(language))
    text = text.format(asked=subject.called, have=have, a=first, b=second)
    if case.takes(subject.name) and case.own:
        text += say("both-listed", language)
    warned = _warned(matches[0], rule.id, sentence_case(text), sources()[rule.source], language)
    yield replace(warned, grave=rule.grave, pair=True)


def _joined(opening: str, text: str) -> str:
    """One sentence that names first what the record shows, then what follows from it."""
    plain = opening.replace("{", "{{").replace("}", "}}")
    return plain + (text[:1].lower() + text[1:] if opening else text)


def called(item: Item, language: str) -> str:
    """What an entry is called in a sentence."""
    if isinstance(item, Condition):
        return condition_name(item, language)
    if isinstance(item, Medicine):
        return item.called
    return str(getattr(item, "value", None) or item.name)


def condition_name(condition: Condition, language: str) -> str:
    """Return the name as recorded; in Spanish after the table's name where there is one."""
    entries = words.data("conditions")
    known = [entries[key]["es"] for key in sorted(condition.keys) if key in entries]
    plain = language == "en" or not known or known[0].lower() == condition.name.lower()
    return condition.name if plain else f"{known[0]} ({condition.name})"


def _warned(item: Item, rule: str, text: str, source: Source | None, language: str) -> Warned:
    kind = "allergy" if isinstance(item, Allergy) else "interaction"
    identity = f"rule:{rule}" if item.ref == STATED else f"{item.ref}#{rule}"
    fact = Fact(id=identity, kind=kind, text=text, date=item.day, warning=True)
    if source is None:
        return Warned(fact, None)
    return sourced(fact, rule, source, language)


def sourced(fact: Fact, rule: str, source: Source, language: str) -> Warned:
    """Name the source in the sentence, and cite it."""
    text = fact.text + say("source", language, name=source.name)
    cited = Citation(
        id=f"rule:{rule}",
        title=source.name,
        source=source.name,
        url=source.url,
        date=source.checked,
        quote=fact.text,
    )
    return Warned(fact.model_copy(update={"text": text}), cited)
