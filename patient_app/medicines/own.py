"""Medicines that a person entered: FHIR MedicationStatements of their own, kept in the vault."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import uuid4

from compliance.errors import NotFoundError
from patient_app.member import Member
from services.consult.messages import ENTERED

KIND = "own-medicine"
"""Kind in the vault; what the record says is never changed by it."""
Statement = dict[str, Any]


def enter(member: Member, name: str, how: str, reason: str, since: date | None) -> Statement:
    """Keep a medicine that the person takes; returns it as a MedicationStatement."""
    statement: Statement = {
        "resourceType": "MedicationStatement",
        "id": f"{ENTERED}{uuid4().hex[:24]}",
        "status": "active",
        **_said_by(member.resources()),
        "medicationCodeableConcept": {"text": name},
    }
    if how:
        statement["dosage"] = [{"text": how}]
    if reason:
        statement["reasonCode"] = [{"text": reason}]
    if since:
        statement["effectivePeriod"] = {"start": since.isoformat()}
    with member.vault.write() as tx:
        tx.put(KIND, statement["id"], statement)
    return statement


def stop(member: Member, id_: str, today: date | None) -> Statement:
    """Say that a medicine is taken no more; with None, that it is taken again.

    Raises:
        NotFoundError: the person entered no such medicine.
    """
    with member.vault.write() as tx:
        held: Statement | None = tx.get(KIND, id_)
        if held is None:
            raise NotFoundError("You have entered no such medicine.")
        period = {k: v for k, v in held.get("effectivePeriod", {}).items() if k != "end"}
        if today is not None:
            period["end"] = today.isoformat()
        changed = {**held, "status": "active" if today is None else "stopped"}
        changed = {k: v for k, v in changed.items() if k != "effectivePeriod"}
        if period:
            changed["effectivePeriod"] = period
        tx.put(KIND, id_, changed)
    return changed


def forget(member: Member, id_: str) -> None:
    """Delete an entry.

    Raises:
        NotFoundError: the person entered no such medicine.
    """
    with member.vault.write() as tx:
        if not tx.delete(KIND, id_):
            raise NotFoundError("You have entered no such medicine.")


def entered(member: Member) -> list[Statement]:
    """Everything that the person entered, as said by the Patient whose record is here now.

    A record may have come after it.
    """
    who = _said_by(member.resources())
    return [{**statement, **who} for _, statement in member.vault.items(KIND)]


def all_known(member: Member) -> list[dict[str, Any]]:
    """The record, and everything that the person entered."""
    return [*member.resources(), *entered(member)]


def _said_by(record: list[dict[str, Any]]) -> Statement:
    patient = next((r["id"] for r in record if r["resourceType"] == "Patient"), "me")
    who = {"reference": f"Patient/{patient}"}
    return {"subject": who, "informationSource": who}
