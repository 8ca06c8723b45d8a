"""What the model cards refuse."""

from __future__ import annotations

from typing import ClassVar

from compliance.errors import CaretierError


class CardError(CaretierError):
    """A model's card is missing, incomplete or cannot be read, so the model must not be released.

    Attributes:
        findings: every fault, each with the card and the field that it is about.
    """

    kind: ClassVar[str] = "card-incomplete"
    status: ClassVar[int] = 500
    exit_code: ClassVar[int] = 8
    remedy: ClassVar[str] = (
        "Fill in what is named in compliance/transparency/cards, then check again."
    )

    def __init__(self, findings: list[str]) -> None:
        super().__init__("; ".join(findings))
        self.findings = tuple(findings)
