"""The orders of a call: what is ordered, and which of them are in question."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.fhir.cds.messages import OrderSelectContext, OrderSignContext
from services.fhir.cds.prefetch import Gathered
from services.hospital.cds.names import Named, named, of_service

Resource = Mapping[str, Any]
MEDICATION, SERVICE = "MedicationRequest", "ServiceRequest"
_VOID = {"entered-in-error", "cancelled", "revoked", "stopped", "completed"}


@dataclass(frozen=True)
class Draft:
    """An order that is not signed yet.

    Attributes:
        ref: ``Type/id``; made of its place in the Bundle where it has no id.
        deletable: whether the EHR can find it by ``ref``.
        resource: as it came.
        medicine: what it holds, or for a service what it is called.
        chosen: whether it is in question, and not only there beside others.
    """

    ref: str
    deletable: bool
    resource: Resource
    medicine: Named
    chosen: bool

    @property
    def kind(self) -> str:
        """Type of the resource."""
        return str(self.resource["resourceType"])

    @property
    def replaces(self) -> frozenset[str]:
        """References of orders that this one takes the place of."""
        prior = self.resource.get("priorPrescription")
        based = self.resource.get("replaces")
        found = [prior, *(based if isinstance(based, list) else [])]
        return frozenset(
            str(r["reference"]) for r in found if isinstance(r, Mapping) and r.get("reference")
        )


def drafts(context: OrderSignContext, gathered: Gathered) -> list[Draft]:
    """Read the orders of a call; those of another person are counted and left out."""
    entries = [dict(entry) for entry in context.draft_orders.entry]
    held = [{"resource": r} for r in gathered.all if r["resourceType"] == "Medication"]
    chosen = set(context.selections) if isinstance(context, OrderSelectContext) else None
    found = []
    for place, entry in enumerate(entries):
        resource = entry.get("resource")
        if not isinstance(resource, Mapping) or not isinstance(resource.get("resourceType"), str):
            gathered.left_out["unreadable"] += 1
            continue
        if resource["resourceType"] not in {MEDICATION, SERVICE} or _is_void(resource):
            continue
        if not gathered.is_of_patient(resource):
            gathered.left_out["other"] += 1
            continue
        found.append(_draft(resource, place, [*entries, *held], chosen))
    return found


def _is_void(resource: Resource) -> bool:
    return resource.get("status") in _VOID or resource.get("doNotPerform") is True


def _draft(
    resource: Resource, place: int, entries: Sequence[Mapping[str, Any]], chosen: set[str] | None
) -> Draft:
    kind, identity = str(resource["resourceType"]), resource.get("id")
    known = isinstance(identity, str) and bool(identity)
    ref = f"{kind}/{identity if known else f'draft-{place}'}"
    if kind == SERVICE:
        medicine = of_service(resource.get("code"))
    else:
        medicine = named(_medication(resource, entries))
    return Draft(ref, known, resource, medicine, chosen is None or ref in chosen)


def _medication(resource: Resource, entries: Sequence[Mapping[str, Any]]) -> object:
    """The medicine of an order: as a concept, contained, or another entry of the Bundle."""
    if isinstance(resource.get("medicationCodeableConcept"), Mapping):
        return resource["medicationCodeableConcept"]
    pointed = resource.get("medicationReference")
    reference = pointed.get("reference") if isinstance(pointed, Mapping) else None
    for known, medication in _medications(resource, entries):
        if reference is not None and reference in known:
            return medication.get("code")
    display = pointed.get("display") if isinstance(pointed, Mapping) else None
    return {"text": display} if isinstance(display, str) else None


def _medications(
    resource: Resource, entries: Sequence[Mapping[str, Any]]
) -> Iterator[tuple[set[str], Resource]]:
    contained = resource.get("contained")
    for inner in contained if isinstance(contained, list) else ():
        if isinstance(inner, Mapping):
            yield {f"#{inner.get('id')}"}, inner
    for entry in entries:
        inner = entry.get("resource")
        if isinstance(inner, Mapping) and inner.get("resourceType") == "Medication":
            yield {str(entry.get("fullUrl")), f"Medication/{inner.get('id')}"}, inner
