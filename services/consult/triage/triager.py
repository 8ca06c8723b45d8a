"""Triage with its second pair of eyes: rules first, then the reader, which can only raise a level.

A rule whose words also stand in harmless messages is not sure: by itself it says *urgent*, with
what to do if it is happening now (or what an urgent rule that speaks before it says), and the
reader raises it to the emergency it names unless it all but rules one out. Sure rules and measured
values need no second look; without a reader no rule does.
"""

from __future__ import annotations

import logging

from services.consult.messages import Person, Triage, Urgency
from services.consult.reader import Reader, Reading
from services.consult.spanish import speaking
from services.consult.triage.service import TriageRules
from services.engines.errors import EngineError

_log = logging.getLogger(__name__)
CONFIRMED_AT = 0.05
"""Probability of an emergency from which the reader lets an unsure rule's emergency stand."""
EMERGENCY_AT = 0.25
"""Probability of an emergency from which the reader raises to one by itself."""
ALONE_CONFIRMED_AT, ALONE_AT = 0.90, 0.98
"""The same two for a sentence read by itself, without the words around it."""
GROWN, OLD = 13, 65
"""Ages, in years, between which words that carry no alarm are taken as such."""
URGENT_AT = 0.55
"""Probability of something urgent or worse from which the reader raises to urgent."""
_IF_NOW = {
    "en": "If this is happening to you or to somebody with you now: {}",
    "es": "Si esto le está pasando ahora a usted o a alguien que está con usted: {}",
}


class Triager:
    """Assesses a message by rules, and by the reader where the rules are not sure of an emergency.

    Args:
        rules: the red flags; they need no model and are never skipped.
        reader: the second pair of eyes, or None where its model is not there.
    """

    def __init__(self, rules: TriageRules, reader: Reader | None = None) -> None:
        self.rules, self.reader = rules, reader

    @classmethod
    def load(cls) -> Triager:
        """The packaged rules and, where its model is installed, the reader.

        Raises:
            TriageRulesError: a rule file is wrong.
        """
        try:
            reader = Reader.load()
        except EngineError:
            reader = None
        return cls(TriageRules.load(), reader)

    @property
    def version(self) -> str:
        """Digest of the rule files, and the reader's version behind it."""
        return f"{self.rules.version}+{self.reader.version if self.reader else 'none'}"

    def assess(self, text: str, person: Person | None = None) -> Triage:
        """Return how urgent ``text`` is; never raises."""
        person = speaking(person or Person(), text)
        found = self.rules.find(text, person)
        emergency = found.triage.level is Urgency.EMERGENCY
        if self.reader is None or (emergency and found.sure):
            return found.triage
        try:
            reading = self.reader.read(text)
        except Exception:  # noqa: BLE001 - whatever ails a model, the rules have spoken
            _log.error("the second look failed; triage by rules alone")
            return found.triage
        if emergency:
            stands = reading.emergency >= CONFIRMED_AT or reading.loudest >= ALONE_CONFIRMED_AT
            return found.triage if stands else found.instead or _if_now(found.triage, person)
        raised = self._raised(reading, found.triage)
        if raised is None or not self._bears(raised, text, person, found.triage):
            return found.triage
        return self.rules.speak(raised, person)

    @staticmethod
    def _raised(reading: Reading, triage: Triage) -> str | None:
        """The rule that the reader speaks by where it raises the level."""
        if reading.emergency >= EMERGENCY_AT or reading.loudest >= ALONE_AT:
            return "second-look-emergency"
        if triage.level is Urgency.ROUTINE and reading.pressing >= URGENT_AT:
            return "second-look-urgent"
        return None

    def _bears(self, raised: str, text: str, person: Person, triage: Triage) -> bool:
        """Whether the alarm is still heard without the words that carry none by themselves."""
        rest = None if _frail(person) else self.rules.beside_calm(text)
        if rest is None or self.reader is None:
            return True
        if not rest:
            return False
        try:
            return self._raised(self.reader.read(rest), triage) is not None
        except Exception:  # noqa: BLE001 - the first look raised it, so it stands
            _log.error("the look beside calm words failed; %s stands", raised)
            return True


def _frail(person: Person) -> bool:
    """Whether a small fall or slip may be more: for the young, the old, and in pregnancy."""
    grown = person.age_years is None or GROWN <= person.age_years < OLD
    return bool(person.pregnant) or not grown


def _if_now(triage: Triage, person: Person) -> Triage:
    """What an unsure rule says by itself: urgent, and what to do if it is happening now."""
    advice = _IF_NOW[person.language].format(triage.advice)
    return triage.model_copy(update={"level": Urgency.URGENT, "advice": advice})
