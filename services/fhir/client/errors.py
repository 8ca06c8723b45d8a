"""What can go wrong with another's FHIR server; no message repeats what that server said of anyone.

Its words may hold a person's data, so an error keeps the status and the issue codes of FHIR only.
"""

from __future__ import annotations

from typing import ClassVar

from compliance.errors import CaretierError


class FhirServerError(CaretierError):
    """The other FHIR server did not do what was asked.

    Attributes:
        passing: whether the same call may work later.
    """

    kind: ClassVar[str] = "fhir-server"
    status: ClassVar[int] = 502
    exit_code: ClassVar[int] = 63
    remedy: ClassVar[str] = "Try again; if it persists, ask whoever runs that server."
    passing = False


class FhirRefusedError(FhirServerError):
    """The other FHIR server answered with an error.

    Attributes:
        answered: its HTTP status.
        codes: issue codes of its OperationOutcome (``not-found``, ``required``, …).
    """

    kind: ClassVar[str] = "fhir-server-refused"

    def __init__(self, answered: int, codes: tuple[str, ...] = ()) -> None:
        told = f" ({', '.join(codes)})" if codes else ""
        super().__init__(f"The FHIR server answered with status {answered}{told}.")
        self.answered, self.codes = answered, codes

    @property
    def code(self) -> str:
        """The first issue code, or the status."""
        return self.codes[0] if self.codes else f"http-{self.answered}"


class FhirAwayError(FhirServerError):
    """The other FHIR server does not answer in time, or asks to be left alone for a while."""

    kind: ClassVar[str] = "fhir-server-away"
    passing = True

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = None if retry_after is None else max(1, round(retry_after))


class FhirAnswerError(FhirServerError):
    """The other FHIR server's answer is not FHIR, or leads nowhere."""

    kind: ClassVar[str] = "fhir-server-unreadable"


class FhirSignInError(FhirServerError):
    """The other FHIR server gives no access token."""

    kind: ClassVar[str] = "fhir-server-sign-in"
    remedy: ClassVar[str] = "Check the client id, the key and the scopes agreed with that server."
