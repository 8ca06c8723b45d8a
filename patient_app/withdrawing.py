"""Consents of one person: giving, watching and withdrawing them.

Withdrawing is one transaction in the vault: the consent is marked, every referral under it that has
no answer is taken out of the outbox, and the signed word for the clinic is laid beside it, to be
told with the next beat of the courier (`patient_app.delivery`).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from compliance.consent import Consent, Purpose, standing
from compliance.errors import NotFoundError
from patient_app import signals
from patient_app.member import Member
from patient_app.vault.transaction import Transaction
from services.consult.messages import Answer, Status
from services.exchange.messages import Envelope
from services.exchange.withdrawal import Withdrawal

WITHDRAWALS = "withdrawal"
"""Kind in the vault: withdrawn consents that the clinic has not been told of yet."""


def give(
    member: Member, purpose: Purpose, destinations: tuple[str, ...], *, days: int | None
) -> Consent:
    """Give a standing consent for one purpose, the destination first; it ends after ``days``."""
    now = datetime.now(UTC)
    expires = now + timedelta(days=days) if days is not None else None
    consent = standing(destinations=destinations, purpose=purpose, now=now, expires=expires)
    with member.vault.write() as tx:
        tx.put("consent", consent.id, consent.model_dump(mode="json"))
    return consent


def handle(member: Member) -> Callable[[], bool]:
    """Return what a stream asks before each event: whether all that it runs under still stands.

    It runs under every standing consent for treatment that is in force when it begins, for it may
    end in a referral under one of them.
    """
    now = datetime.now(UTC)
    held = [
        c.id
        for c in member.consents()
        if c.standing and c.permits("treatment", c.destinations[0], now)
    ]

    def stands() -> bool:
        kept = {consent.id: consent for consent in member.consents()} if held else {}
        return all(id_ in kept and kept[id_].withdrawn is None for id_ in held)

    return stands


def withdraw(member: Member, consent_id: str) -> Consent:
    """Withdraw a consent: what it covers and has no answer yet is taken back, here and above.

    Raises:
        NotFoundError: there is no such consent.
    """
    now = datetime.now(UTC)
    with member.vault.write() as tx:
        held = tx.get("consent", consent_id)
        if held is None:
            raise NotFoundError("There is no such consent.")
        before = Consent.model_validate(held)
        consent = before.withdraw(now)
        tx.put("consent", consent_id, consent.model_dump(mode="json"))
        for id_, row in tx.items("outbox"):
            receipt = Envelope.model_validate_json(row["envelope"]).receipt
            if receipt.consent == consent_id:
                take_back(tx, id_, row)
        signals.keep_here(tx, consent_id)
        for id_, row in tx.items("preview"):
            if f'"learning":"{consent_id}"' in row.get("payload", ""):
                tx.delete("preview", id_)  # it would still say that it may be learned from
        if before.withdrawn is None and tx.get("link", "clinic") is not None:
            word = Withdrawal.sign(consent_id, member.identity, now).model_dump(mode="json")
            tx.put(
                WITHDRAWALS,
                consent_id,
                {"message": word, "attempts": 0, "due": now.isoformat()},
            )
    return consent


def withdraw_learning(member: Member) -> bool:
    """Withdraw every consent for learning; returns whether there was one."""
    given = [c.id for c in member.consents() if c.purpose == "learning" and c.withdrawn is None]
    for id_ in given:
        withdraw(member, id_)
    return bool(given)


def take_back(tx: Transaction, id_: str, row: dict[str, Any]) -> None:
    """Take out of the outbox what has lost its consent, and write that down."""
    if row.get("kind") == signals.KIND:
        signals.ended(tx, id_, row, "withdrawn")
        return
    tx.delete("outbox", id_)
    entry = tx.get("ledger", row["receipt"])
    tx.put("ledger", row["receipt"], {**entry, "state": "withdrawn"})
    kept = tx.get("consult", id_)
    answer = Answer.model_validate(kept["answer"]).model_copy(
        update={"status": Status.ABSTAINED, "degraded_from": None}
    )
    tx.put("consult", id_, {**kept, "answer": answer.model_dump(mode="json")})


def consents_to_fhir(member: Member) -> dict[str, Any]:
    """Return every consent as a FHIR R4 Bundle of Consents, newest first."""
    patients = [r["id"] for r in member.resources() if r["resourceType"] == "Patient"]
    who = f"Patient/{patients[0]}" if patients else f"Patient/{member.id}"
    resources = [consent.to_fhir(who) for consent in member.consents()]
    return {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [{"fullUrl": f"urn:uuid:{r['id']}", "resource": r} for r in resources],
    }
