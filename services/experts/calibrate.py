"""Calibrate the threshold of the gate by meaning: ``python -m services.experts.calibrate``.

Every domain of the matrix gets an expert. Of the questions in ``data/calibration.yaml`` every
second one chooses the threshold: the least at which PRECISION of the choices are right, a choice
for a question of no domain being wrong. The others are held out and tell how well it does.
"""

from __future__ import annotations

import sys
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

import yaml

from compliance.yamltext import read_yaml
from services.bricks.retrieval import Embeds
from services.engines.embed import Embedder
from services.experts.domains import DATA, OTHER, domains
from services.experts.expert import Expert
from services.experts.gate import Gate

PRECISION = 0.85
NONE = "none"
STEPS = [step / 200 for step in range(101)]


@dataclass(frozen=True)
class Judged:
    """A question of a domain, whom the gate would choose, and by which lead (None: by rule)."""

    domain: str
    expert: str | None
    lead: float | None

    def chosen(self, threshold: float) -> bool:
        """Whether somebody is chosen at a threshold."""
        return self.expert is not None and (self.lead is None or self.lead >= threshold)


@dataclass(frozen=True)
class Figures:
    """How the gate does on ``n`` questions.

    Attributes:
        precision: share of the choices that are right.
        recall: share of the questions of a domain that got the right expert.
        rejected: share of the questions of no domain that got none.
    """

    n: int
    precision: float
    recall: float
    rejected: float


def judged(embedder: Embeds) -> tuple[list[Judged], list[Judged]]:
    """All questions as the gate sees them: for the choice of the threshold, and held out."""
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    experts = [
        Expert(id_, 1, row.title, id_, None, ("en",), "", "", 8, moment)
        for id_, row in domains().items()
        if row.parent is None and id_ != OTHER
    ]
    gate = Gate(embedder, 0.0)
    text = (DATA / "calibration.yaml").read_text(encoding="utf-8")
    found: list[Judged] = []
    for domain, questions in read_yaml(text).items():
        for question in questions:
            choice = gate.choose(question, experts)
            found.append(Judged(domain, choice.expert, choice.lead))
    return found[::2], found[1::2]


def figures(questions: list[Judged], threshold: float) -> Figures:
    """How the gate does at a threshold; what a rule decided does not depend on it."""
    chosen = [q for q in questions if q.chosen(threshold)]
    right = sum(q.expert == q.domain for q in chosen)
    strange = [q for q in questions if q.domain == NONE]
    missed = sum(not q.chosen(threshold) for q in strange)
    return Figures(
        n=len(questions),
        precision=round(right / max(1, len(chosen)), 3),
        recall=round(right / max(1, len(questions) - len(strange)), 3),
        rejected=round(missed / max(1, len(strange)), 3),
    )


def best(questions: list[Judged]) -> float:
    """The least threshold at which precision is as wanted; 1 where there is none."""
    good = (step for step in STEPS if figures(questions, step).precision >= PRECISION)
    return next(good, 1.0)


def report(embedder: Embeds) -> dict[str, object]:
    """The threshold, and the figures of both halves with it."""
    choosing, held_out = judged(embedder)
    threshold = best(choosing)
    return {
        "threshold": threshold,
        "chosen_on": asdict(figures(choosing, threshold)),
        "held_out": asdict(figures(held_out, threshold)),
    }


def main() -> None:
    """Write the threshold down and print it."""
    head = "# Written by `python -m services.experts.calibrate`; do not change it by hand.\n"
    body = yaml.safe_dump(report(Embedder.load()), sort_keys=False)
    (DATA / "threshold.yaml").write_text(head + body, encoding="utf-8")
    sys.stdout.write(body)


if __name__ == "__main__":
    main()
