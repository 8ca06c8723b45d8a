"""What can go wrong between a caller and the FHIR store; no message repeats a resource's value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from compliance.errors import BadInputError, CaretierError, NotFoundError


@dataclass(frozen=True)
class Fault:
    """One broken rule: ``element`` is a FHIRPath such as ``Patient.contact[0].gender``."""

    element: str
    rule: str

    def __str__(self) -> str:
        return f"{self.element}: {self.rule}"


class FhirInvalidError(BadInputError):
    """The resource breaks a rule of R4 (``faults`` names element and rule); nothing was stored."""

    kind = "fhir-invalid"
    remedy = "Correct the named elements and send the resource again."

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        super().__init__("; ".join(str(fault) for fault in faults[:5]))
        self.faults = faults


class FhirUnreadableError(FhirInvalidError):
    """The text is not JSON, or not JSON that everybody reads in the same way."""

    kind = "fhir-unreadable"
    status = 400


class FhirNotFoundError(NotFoundError):
    """There is no such resource, or not for this caller."""

    kind = "fhir-not-found"
    remedy = "Check the resource type and the id."


class FhirUnknownTypeError(NotFoundError):
    """The name is not a resource type of R4."""

    kind = "fhir-unknown-type"
    remedy = "Use a resource type that /fhir/metadata lists."


class FhirParameterError(BadInputError):
    """A search parameter is unknown or has a value that cannot be used."""

    kind = "fhir-bad-parameter"
    status = 400
    remedy = "Use only the search parameters that /fhir/metadata lists."


class FhirRequestError(BadInputError):
    """The request is not one that R4 knows, whatever the resource in it."""

    kind = "fhir-bad-request"
    status = 400
    remedy = "Correct the request; /fhir/metadata says what this server does."


class FhirGoneError(NotFoundError):
    """The resource was deleted; its earlier versions stand in its history."""

    kind = "fhir-gone"
    status = 410
    exit_code = 3
    remedy = "Read an earlier version, or write the resource again."


class FhirConflictError(CaretierError):
    """What is asked for does not go together with what is stored; nothing was changed."""

    kind = "fhir-conflict"
    status = 409
    exit_code = 2
    remedy = "Read the resource again and repeat the change."


class FhirPreconditionError(FhirConflictError):
    """The condition of the request does not hold (another version, several matches)."""

    kind = "fhir-precondition"
    status = 412
    code = "conflict"

    def __init__(self, message: str, *, several: bool = False) -> None:
        super().__init__(message)
        if several:
            self.code = "multiple-matches"


class FhirBusyError(CaretierError):
    """Other writers were at work for too long; nothing was changed."""

    kind = "fhir-busy"
    status = 503
    exit_code = 2
    remedy = "Send it again in a moment."
    retry_after = 1


class FhirMethodError(CaretierError):
    """This server does not let this be done to resources of that type."""

    kind = "fhir-method"
    status = 405
    exit_code = 2
    remedy = "/fhir/metadata lists what may be done to each type."

    def __init__(self, message: str, allowed: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.allowed = allowed


class FhirFormatError(CaretierError):
    """The server neither reads nor writes that format; it speaks JSON of FHIR R4."""

    kind = "fhir-format"
    exit_code = 2
    remedy = "Use application/fhir+json."

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status  # type: ignore[misc]  # 406 for what is asked for, 415 for what is sent


class FhirEntryError(CaretierError):
    """An entry of a transaction failed, and so the whole of it; nothing was stored."""

    kind = "fhir-entry"
    exit_code = 2

    def __init__(self, number: int, cause: CaretierError) -> None:
        super().__init__(f"entry {number}: {cause.message}", remedy=cause.advice)
        self.number, self.cause = number, cause
        self.status = cause.status  # type: ignore[misc]  # that of what went wrong
