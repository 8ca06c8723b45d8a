"""What lets a text leave the device: masking, receipt, seal and audit; then it may be queued."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from compliance.audit import Agent, AuditTrail, crossing
from compliance.deidentify import Deidentifier, PlaceholderMap
from compliance.receipt import issue_receipt, new_salt
from patient_app.member import Member
from services.consult.messages import Level
from services.exchange.sealed import seal_question

POLICY = "safe-harbor-1"
RECEIPT_VALIDITY = timedelta(days=14)
"""How long something may wait for a dead link before its receipt counts no more."""


class Masker:
    """De-identifies every text that leaves together, with the same placeholders."""

    def __init__(
        self, deidentifier: Deidentifier, member: Member, language: Any, mapping: PlaceholderMap
    ) -> None:
        self._deidentifier, self._member = deidentifier, member
        self._language, self._mapping = language, mapping

    def __call__(self, text: str) -> str:
        """The text without identifiers.

        Raises:
            DeidentificationError: it could not be masked for certain.
        """
        return self._deidentifier.deidentify(
            text, language=self._language, known=self._member.known, mapping=self._mapping
        ).text


@dataclass(frozen=True)
class Leaving:
    """What is to leave.

    Attributes:
        id: of the question or signal.
        payload: exactly what is sealed, masked.
        detector: version of what masked it.
        consent: id of the consent that allows it.
        destination: tier that opens it; readers: tiers that may read it.
    """

    id: str
    payload: str
    detector: str
    consent: str
    destination: Any
    readers: tuple[str, ...]


def release(member: Member, audit: AuditTrail, leaving: Leaving, now: datetime) -> dict[str, Any]:
    """Receipt, seal and audit; returns the row for the outbox.

    Raises:
        NotLinkedError: there is no clinic to send it to.
        AuditError: it could not be written down; it must not leave.
    """
    _url, bundles = member.link()
    salt = new_salt()
    receipt = issue_receipt(
        key=member.identity,
        payload=leaving.payload.encode(),
        salt=salt,
        referral=leaving.id,
        policy=POLICY,
        detector=leaving.detector,
        consent=leaving.consent,
        destination=leaving.destination,
        readers=leaving.readers,
        valid_for=RECEIPT_VALIDITY,
        now=now,
    )
    envelope = seal_question(
        leaving.payload,
        salt,
        receipt,
        device=member.identity.public,
        destination=leaving.destination,
        to=bundles[leaving.destination].sealing_public(),
    )
    audit.record(
        crossing(
            action="send",
            referral=envelope.id,
            person=Agent("person", receipt.device),
            application=Agent("application", "caretier-device"),
            model=None,
            source=Level.DEVICE,
            destination=leaving.destination,
            detail={"receipt": receipt.id, "consent": leaving.consent, "bytes": str(receipt.bytes)},
        )
    )
    return {
        "envelope": envelope.model_dump_json(),
        "receipt": receipt.id,
        "state": "outgoing",
        "attempts": 0,
        "due": now.isoformat(),
    }
