"""Errors of the scenario."""

from __future__ import annotations

from compliance.errors import CaretierError


class ScenarioError(CaretierError):
    """The story went another way than it should: a measurement failed, or a guard did not hold."""

    kind = "scenario-failed"
    status = 500
    exit_code = 100
    remedy = "Run it again with --keep FOLDER and look at `caretier rounds --data FOLDER list`."
