"""Why an operation made nothing."""

from __future__ import annotations

from collections.abc import Sequence

from services.bricks.errors import BrickError
from services.bricks.ingest.report import Finding


class NoGainError(BrickError):
    """What was to be made measures no better than what is there."""

    kind = "brick-no-gain"
    status = 409
    remedy = "Say why it is to be taken all the same: --accept REASON."


class ContradictionsError(BrickError):
    """Sentences of the bricks contradict one another; ``findings`` names both sides of each."""

    kind = "brick-contradictions"
    status = 409
    remedy = "Say which passages are to go, each with --drop BRICK:TOPIC#SECTION."

    def __init__(self, findings: Sequence[Finding]) -> None:
        self.findings = tuple(findings)
        first = findings[0]
        super().__init__(
            f"{len(findings)} contradictions, the first in {first.left.pack}:{first.left.passage}"
            f" and {first.right.pack}:{first.right.passage} ({first.kind})."
        )
