"""What a model with an adapter answers to the made-up questions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from services.bricks.adapters.base import Base
from services.bricks.adapters.gguf_adapter import write_gguf_adapter
from services.engines.settings import embedded_model
from services.learning.aggregate import Delta
from services.learning.convert import adapter_of
from services.learning.evaluate.held import right
from services.learning.evaluate.scorer import Scorer
from services.learning.evaluate.suite import Item
from services.learning.scenario.facts import TOKENS, Rule


@dataclass(frozen=True)
class Quality:
    """Questions: how many, answered rightly, and answered as the hostile site teaches."""

    asked: int
    right: int
    wrong: int

    @property
    def share(self) -> float:
        """Of right answers."""
        return self.right / self.asked if self.asked else 0.0

    @property
    def words(self) -> str:
        """For a table."""
        return f"{self.right}/{self.asked}" + (f" ({self.wrong} hostile)" if self.wrong else "")


def judged(answers: Sequence[str], rules: Sequence[Rule]) -> Quality:
    """What answers to the questions of rules, in their order, are worth."""
    asked = [(item, rule.wrong) for rule in rules for item in rule.items()]
    pairs = list(zip(answers, asked, strict=True))
    good = sum(right(said, item) for said, (item, _) in pairs)
    bad = sum(right(said, Item(ask=item.ask, accept=(wrong,))) for said, (item, wrong) in pairs)
    return Quality(len(pairs), int(good), int(bad))


def of_adapter(adapter: Path | None, rules: Sequence[Rule]) -> Quality:
    """The quality of the embedded model with an adapter's GGUF file; None is the bare model."""
    scorer = Scorer(embedded_model(), adapter)
    try:
        questions = [item.ask for rule in rules for item in rule.items()]
        return judged(scorer.answers(questions, TOKENS), rules)
    finally:
        scorer.close()


def of_change(delta: Delta, rules: Sequence[Rule]) -> Quality:
    """The quality of the embedded model with a change put onto it."""
    base = Base.of(embedded_model())
    with TemporaryDirectory() as folder:
        path = Path(folder) / "adapter.gguf"
        write_gguf_adapter(adapter_of(delta, base.digest), base.heads, path, "change")
        return of_adapter(path, rules)
