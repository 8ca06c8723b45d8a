"""What can be wrong with a contribution, a round or a release."""

from __future__ import annotations

from compliance.errors import CaretierError


class ContributionRefusedError(CaretierError):
    """A contribution is not taken.

    Attributes:
        reason: the rule, a stable slug, like ``stale-epoch``.
    """

    kind = "contribution-refused"
    status = 422
    exit_code = 80
    remedy = "Train again from the release that the parent publishes now, and send that."

    def __init__(self, message: str, *, reason: str) -> None:
        super().__init__(f"{reason}: {message}")
        self.reason = reason


class RoundBlockedError(CaretierError):
    """The update policy does not let this step happen; the message names the criteria."""

    kind = "round-blocked"
    status = 409
    exit_code = 81
    remedy = "`caretier rounds show` tells what each criterion needs and has."


class AggregationError(CaretierError):
    """The contributions of a round cannot be put together by the rule that the policy names."""

    kind = "aggregation-failed"
    status = 409
    exit_code = 82
    remedy = "Wait for more contributions, or name another rule in the update policy."


class NotLearningError(CaretierError):
    """This hospital's model is none that can learn, so that nothing is taken or put together."""

    kind = "not-learning"
    status = 503
    exit_code = 98
    remedy = (
        "Name a llama model by CARETIER_ENGINE_MODEL (a GGUF file, or a folder in Transformers' "
        "form). What was sent is not lost: its node sends it again."
    )
