"""What can go wrong between a caller and the FHIR store; no message repeats a resource's value."""

from __future__ import annotations

from dataclasses import dataclass

from compliance.errors import BadInputError, NotFoundError


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
