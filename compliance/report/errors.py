"""What the compliance report refuses."""

from __future__ import annotations

from typing import ClassVar

from compliance.errors import CaretierError


class ReportError(CaretierError):
    """The report names code or tests that are not there, or a test that proves a point failed.

    Attributes:
        findings: every fault, each with the point that it is about.
    """

    kind: ClassVar[str] = "report-unproven"
    status: ClassVar[int] = 500
    exit_code: ClassVar[int] = 8
    remedy: ClassVar[str] = "Correct compliance/report/points, or what it names, then run it again."

    def __init__(self, findings: list[str]) -> None:
        super().__init__("; ".join(findings))
        self.findings = tuple(findings)
