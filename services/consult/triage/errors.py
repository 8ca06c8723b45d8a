"""What can go wrong with triage: only its rule files, and only when they are loaded."""

from __future__ import annotations

from typing import ClassVar

from compliance.errors import CaretierError


class TriageRulesError(CaretierError):
    """A rule file cannot be used; the message names the file and the rule or concept."""

    kind: ClassVar[str] = "triage-rules"
    status: ClassVar[int] = 500
    exit_code: ClassVar[int] = 1
    remedy: ClassVar[str] = "Correct the named rule file, or install the package again."
