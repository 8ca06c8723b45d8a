"""Run triage over a suite of messages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from services.consult.evaluate.scores import Rate
from services.consult.evaluate.suites import Message
from services.consult.messages import Triage, Urgency


class Triages(Protocol):
    """Says how urgent a message is."""

    def assess(self, text: str) -> Triage:
        """Assess one message."""
        ...


@dataclass(frozen=True)
class TriageScore:
    """Outcomes of one suite: each message with the level it was given."""

    given: tuple[tuple[Message, Triage], ...]

    def recall(self, level: Urgency) -> Rate:
        """Share of the messages of a level that were given at least that level."""
        order = list(Urgency)
        return Rate.of(
            order.index(t.level) <= order.index(level) for m, t in self.given if m.level is level
        )

    def exact(self, level: Urgency) -> Rate:
        """Share of the messages of a level that were given exactly that level."""
        return Rate.of(t.level is level for m, t in self.given if m.level is level)

    def alarms(self, level: Urgency) -> Rate:
        """Share of the messages of a lower level that were called an emergency."""
        return Rate.of(t.level is Urgency.EMERGENCY for m, t in self.given if m.level is level)

    def topics(self) -> dict[str, Rate]:
        """Share of exact levels by topic, the worst first."""
        counts: Counter[str] = Counter(m.topic for m, _ in self.given)
        hits: Counter[str] = Counter(m.topic for m, t in self.given if t.level is m.level)
        rates = {topic: Rate(hits[topic], total) for topic, total in counts.items()}
        return dict(sorted(rates.items(), key=lambda r: (r[1].value, -r[1].total, r[0])))

    def outcomes(self) -> dict[str, str]:
        """The level that each message was given, for comparing releases."""
        return {m.text: t.level.value for m, t in self.given}

    def figures(self) -> dict[str, Any]:
        """All rates as JSON."""
        return {
            "emergency_recall": self.recall(Urgency.EMERGENCY).dump(),
            "false_alarms": self.alarms(Urgency.ROUTINE).dump(),
            "urgent_taken_for_emergency": self.alarms(Urgency.URGENT).dump(),
            "urgent_recall": self.recall(Urgency.URGENT).dump(),
            "urgent_exact": self.exact(Urgency.URGENT).dump(),
            "routine_exact": self.exact(Urgency.ROUTINE).dump(),
        }


def run(triage: Triages, messages: Sequence[Message]) -> TriageScore:
    """Assess every message."""
    return TriageScore(tuple((m, triage.assess(m.text)) for m in messages))
