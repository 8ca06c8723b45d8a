"""What this server lets its callers do to each type of resource; the capability statement says it.

Audit events are written by the server alone, and a Provenance stands as it was written: who could
alter either could alter what is known about everything else.
"""

from __future__ import annotations

from collections.abc import Mapping

from services.fhir.access import Letter
from services.fhir.errors import FhirMethodError

UPDATE_CREATE = True
"""Whether PUT to an id that is not there makes the resource."""
_WRITING: Mapping[Letter, tuple[str, ...]] = {
    "c": ("create",),
    "u": ("update", "patch"),
    "d": ("delete",),
}
_WRITABLE: Mapping[str, str] = {"AuditEvent": "", "Provenance": "c"}
_READING = ("read", "vread", "history-instance", "history-type", "search-type")


def writable(kind: str, letter: Letter) -> bool:
    """Whether a caller may create, update or delete (c, u, d) resources of a type at all."""
    return letter in _WRITABLE.get(kind, "cud")


def interactions(kind: str) -> tuple[str, ...]:
    """Return the codes of the interactions that are there for a type."""
    writes = [
        code for letter, codes in _WRITING.items() if writable(kind, letter) for code in codes
    ]
    return (*_READING, *writes)


def require_writable(kind: str, letter: Letter) -> None:
    """Refuse a write that nobody may make.

    Raises:
        FhirMethodError: it is one.
    """
    if not writable(kind, letter):
        raise FhirMethodError(f"{kind} cannot be written like this")
