"""Which resource types bulk data is about."""

from __future__ import annotations

from services.fhir._queries import SUPPORTING
from services.fhir.access import Access
from services.fhir.references import COMPARTMENT


def in_records(kind: str) -> bool:
    """Whether resources of a type can be in somebody's record, or support one."""
    return kind == "Patient" or kind in COMPARTMENT or kind in SUPPORTING


def allowed(access: Access, kind: str) -> bool:
    """Whether a caller may have all that it may see of a type: read and search it."""
    return access.allows(kind, "r") and access.allows(kind, "s")
