"""Gates: whether a round may start, and whether its result may go out.

Workflow. An evaluation gives a score to every item of every suite, before and after (`Scores`).
`bootstrap.py` says with which confidence the one is better than the other; `criteria.py` holds each
of the policy's criteria with what it needs and what it has, so that a person sees which one blocks.
A gate never says yes because something could not be measured: what is lacking blocks.
"""

from services.learning.gates.criteria import (
    Criterion,
    Evidence,
    Readiness,
    Scores,
    may_release,
    may_start,
)

__all__ = ["Criterion", "Evidence", "Readiness", "Scores", "may_release", "may_start"]
