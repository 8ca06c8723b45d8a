"""Triage itself: a message in, an urgency with its rule, advice and source out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import get_args

from services.consult.messages import Person, Triage, Urgency
from services.consult.triage.calm import SLIPS, beside
from services.consult.triage.loading import RuleSet, load_rules
from services.consult.triage.modality import Modality, Status
from services.consult.triage.normalise import fold, rewrite, tokenise
from services.consult.triage.patterns import Hit, TokenText
from services.consult.triage.rules import Case, Evidence, Rule, clue, hold
from services.consult.triage.vitals import LABORATORY, Kind, Reading

_DATA = Path(__file__).parent / "data"
_OTHER_PERSON = "other_person"
MEASURED = frozenset(get_args(Kind)) - {"age_years", "gestation_weeks"}
"""Values that are a finding by themselves; an age is none."""


@dataclass(frozen=True)
class Match:
    """A rule that fired, or that would have fired had its words been meant as being there.

    ``reason`` is "fired", or the statuses that kept it from firing; ``evidence`` are the words, in
    the message's plain spelling. It quotes the message: never log it.
    """

    rule: str
    level: Urgency
    fired: bool
    reason: str
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True)
class Finding:
    """The most urgent rule that fired, what it says, and whether it needs no second look.

    ``instead`` is what an urgent rule of a lower rank says where the emergency is not sure: should
    the second look find none, it speaks more closely of what was told.
    """

    triage: Triage
    sure: bool
    instead: Triage | None = None


@cache
def _packaged() -> RuleSet:
    return load_rules(_DATA)


class TriageRules:
    """Red-flag rules, loaded once and immutable; needs no model and no network."""

    def __init__(self, rules: RuleSet) -> None:
        self._set = rules
        self._clues = tuple((rule, clue(rule.when), rule.accepted) for rule in rules.rules)

    @classmethod
    def load(cls, folder: Path | None = None) -> TriageRules:
        """Load the rule files of ``folder``, or the packaged ones.

        Raises:
            TriageRulesError: a file is missing or wrong; the message names file and rule.
        """
        return cls(_packaged() if folder is None else load_rules(folder))

    @property
    def version(self) -> str:
        """Digest of the rule files."""
        return self._set.version

    @property
    def rules(self) -> tuple[Rule, ...]:
        """Every rule, the first to speak first."""
        return self._set.rules

    def assess(self, text: str, person: Person | None = None) -> Triage:
        """Return the most urgent rule that ``text`` fires, or routine; never raises."""
        return self.find(text, person).triage

    def find(self, text: str, person: Person | None = None) -> Finding:
        """Return the most urgent rule that ``text`` fires, or routine; never raises."""
        known = person or Person()
        case = self._case(text, known)
        first: Rule | None = None
        for rule, needed, accepted in self._clues:
            if needed is not None and needed.isdisjoint(case.hits):
                continue
            if first is not None and (rule.level is first.level or rule.rank >= first.rank):
                continue
            proof = hold(rule.when, replace(case, accepted=accepted))
            if proof is None:
                continue
            said = self._triage(rule, known)
            if first is not None:
                return Finding(self._triage(first, known), sure=False, instead=said)
            measured = any(e.name in MEASURED for e in proof)
            if rule.sure or measured or rule.level is not Urgency.EMERGENCY:
                return Finding(said, rule.sure or measured)
            first = rule
        return Finding(self._triage(first, known) if first else Triage(), sure=False)

    def speak(self, rule_id: str, person: Person | None = None) -> Triage:
        """Return what a rule says, whether or not it fires.

        Raises:
            KeyError: there is no such rule.
        """
        rule = next((r for r in self._set.rules if r.id == rule_id), None)
        if rule is None:
            raise KeyError(rule_id)
        return self._triage(rule, person or Person())

    def explain(self, text: str, person: Person | None = None) -> list[Match]:
        """Return every rule that fired or was held back, the first to speak first."""
        case = self._case(text, person or Person())
        matches: list[Match] = []
        for rule in self._set.rules:
            strict = replace(case, accepted=rule.accepted)
            proof = hold(rule.when, strict)
            if proof is not None:
                matches.append(Match(rule.id, rule.level, True, "fired", proof))
                continue
            loose = hold(rule.when, replace(strict, everything=True))
            if loose is not None:
                why = {e.status.value for e in loose if e.status not in rule.accepted}
                reason = ", ".join(sorted(why)) or "kept back by what else is said"
                matches.append(Match(rule.id, rule.level, False, reason, loose))
        return matches

    def beside_calm(self, text: str) -> str | None:
        """What a second look is to be taken at, where words of ``text`` carry no alarm.

        See `services.consult.triage.calm.beside`.
        """
        tokens = rewrite(tokenise(fold(text)), self._set.rewrites)
        concepts = self._set.concepts.find(TokenText(tokens, self._set.concepts))
        cues = self._set.cues.find(TokenText(tokens, self._set.cues))
        calm = self._set.calm.find(TokenText(tokens, self._set.calm))
        slips = [hit for hit in concepts if hit.name in SLIPS]
        modality = Modality(tokens, cues, concepts)
        return beside(tokens, [*calm, *slips, *modality.habits], modality)

    def _case(self, text: str, person: Person) -> Case:
        tokens = rewrite(tokenise(fold(text)), self._set.rewrites)
        concepts = self._set.concepts.find(TokenText(tokens, self._set.concepts))
        cues = self._set.cues.find(TokenText(tokens, self._set.cues))
        modality = Modality(tokens, cues, concepts)

        def evidence(hit: Hit, status: Status) -> Evidence:
            words = " ".join(tokens[hit.start : hit.end + 1])
            return Evidence(hit.name, words, status, modality.sentence(hit.start))

        hits: dict[str, list[Evidence]] = {}
        said: set[tuple[str, Status, int]] = set()
        for hit in concepts:
            status = self._status(hit, modality)
            key = (hit.name, status, modality.sentence(hit.start))
            # Once a sentence is enough: what is said again adds nothing to a rule.
            if key not in said:
                said.add(key)
                hits.setdefault(hit.name, []).append(evidence(hit, status))
        readings: list[tuple[Reading, Evidence]] = []
        for reading in self._set.vitals.read(tokens, person.country):
            hit = Hit(reading.start, reading.end, reading.kind)
            status = self._status(hit, modality)
            # "Is 84 a bad oxygen level?" A number that one can ask about was measured; of the
            # laboratory's values people read in general.
            measured = reading.kind not in LABORATORY or modality.of_somebody(hit.start)
            asked = status is Status.QUESTION and measured
            found = evidence(hit, Status.PRESENT if asked else status)
            readings.append((reading, found))
            for concept in self._set.vitals.implied(reading):
                hits.setdefault(concept, []).append(found)
        return Case(
            hits={name: tuple(found) for name, found in hits.items()},
            readings=tuple(readings),
            person=person,
            about_other=_OTHER_PERSON in hits,
        )

    def _status(self, hit: Hit, modality: Modality) -> Status:
        status = modality.status(hit.start, hit.end)
        lasting = status is Status.PAST and hit.name in self._set.lasting
        return Status.PRESENT if lasting else status

    def _triage(self, rule: Rule, person: Person) -> Triage:
        numbers = self._set.countries.get(person.country) or self._set.countries["other"]
        advice = rule.advice[person.language]
        for name in ("emergency_number", "crisis_line", "poison_line"):
            advice = advice.replace("{" + name + "}", getattr(numbers, name)[person.language])
        return Triage(
            level=rule.level,
            rule=rule.id,
            advice=advice,
            source=f"{rule.source.name} ({rule.source.url})",
        )
