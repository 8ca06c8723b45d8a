"""Whether a resource is FHIR R4: types, cardinality, bindings, targets, narrative, invariants.

    check({"resourceType": "Patient", "id": "a", "gender": "zzz"})
    # FhirInvalidError: Patient.gender: is outside the required value set

`plan` compiles what a type may hold from the fields of ``fhir.resources.R4B``, narrowed by the
tables in ``data``; `walk` goes over the JSON once; `rules` are the invariants of R4 by their keys
(obs-7). Each fault names the element as FHIRPath and the rule, and never repeats a value of the
resource, since faults end up in logs. `profiles` looks for the elements that US Core asks for.

Not checked: bindings that are not required, codes against their code systems or open lists (MIME
types, currencies) beyond their form, what a reference points at beyond its type, and FHIRPath.
A modifierExtension that the server does not know is kept, not refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from services.fhir.errors import Fault, FhirInvalidError
from services.fhir.validate.catalogue import require_type, resource_types, type_names, type_of
from services.fhir.validate.walk import Walk

__all__ = [
    "ID",
    "MAX_FAULTS",
    "check",
    "faults",
    "require_type",
    "resource_types",
    "type_names",
    "type_of",
]
MAX_FAULTS = 20
"""Most faults that one refusal lists."""
ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")


def check(resource: Mapping[str, Any], *, identified: bool = True) -> None:
    """Raise FhirInvalidError, with every fault found (20 at most), unless ``resource`` is R4.

    Args:
        resource: the JSON, from `jsontext.loads` or `jsontext.loads_exact`.
        identified: whether it must have an id; not where the server is about to give one.
    """
    found = faults(resource, identified=identified)
    if found:
        raise FhirInvalidError(found)


def faults(resource: Any, *, identified: bool = True) -> tuple[Fault, ...]:
    """Return the faults that `check` raises, none if ``resource`` is R4."""
    walk = Walk(MAX_FAULTS)
    walk.resource(resource, "")
    kind = type_of(resource)
    identity = resource.get("id") if kind else None
    if not identified or not kind or (isinstance(identity, str) and ID.fullmatch(identity)):
        return tuple(walk.faults[:MAX_FAULTS])
    lacking = Fault(f"{kind}.id", "is required: 1 to 64 letters, digits, '-' or '.'")
    others = [fault for fault in walk.faults if fault.element != lacking.element]
    return (lacking, *others[: MAX_FAULTS - 1])
