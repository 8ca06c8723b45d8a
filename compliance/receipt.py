"""Receipts: the device's signed word for what it let leave, to whom, and under which rules.

Workflow. Before a referral leaves, the device draws a random salt, calls `issue_receipt` over the
exact payload, and puts payload and salt inside the sealed message; the receipt travels beside it,
in the clear. A relay calls `verify_receipt` without payload (it cannot read it) and with the level
that it carries to as ``reader``; the tier that answers calls it with payload and salt after
unsealing. Without a valid receipt nothing is read or
answered.

The digest is HMAC-SHA256 keyed by the salt. A plain hash of a short text could be guessed by a
relay that tries texts; without the salt, which only the sealed message holds, it cannot.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable, Container
from datetime import datetime, timedelta
from typing import ClassVar, Literal
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from compliance.errors import BadInputError, CaretierError
from compliance.sealing import IdentityKey, IdentityPublic, SealingError
from compliance.sealing.encoding import Moment, canonical_json, from_text, to_text
from compliance.sealing.identity import signed_bytes

CLOCK_SKEW = timedelta(minutes=5)
"""How far the clocks of two nodes may differ."""

LONGEST_VALIDITY = timedelta(days=30)
"""A receipt is for one referral; nothing waits longer than this in an outbox."""

SALT_BYTES = 32
PURPOSE = "caretier/receipt/v1"

ReceiptReason = Literal[
    "malformed",
    "bad-signature",
    "expired",
    "not-yet-valid",
    "wrong-reader",
    "wrong-referral",
    "digest-mismatch",
    "unknown-policy",
    "unknown-detector",
    "no-consent",
]


class ReceiptError(CaretierError):
    """A referral came without a receipt that covers it; it is refused unread.

    Attributes:
        reason: stable slug, one of `ReceiptReason`.
    """

    kind: ClassVar[str] = "receipt-refused"
    status: ClassVar[int] = 403
    exit_code: ClassVar[int] = 6
    remedy: ClassVar[str] = "The device must make a new disclosure and send it again."

    def __init__(self, message: str, *, reason: ReceiptReason) -> None:
        super().__init__(message)
        self.reason: ReceiptReason = reason


class Receipt(BaseModel):
    """What left a device. It names no person and tells nothing of the content but its size.

    Attributes:
        id: of this receipt, random.
        referral: id of the referral that it covers.
        policy: id of the de-identification policy that was applied.
        detector: version of the detector that was applied.
        consent: id of the patient's consent; empty is refused.
        destination: level that is to answer.
        readers: levels that may read the payload.
        digest: HMAC-SHA256(salt, payload), base64url.
        bytes: size of the payload in bytes, before sealing.
        issued: UTC.
        expires: UTC.
        device: fingerprint of the device's identity.
        signature: Ed25519 over the canonical JSON of the rest, base64url.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(min_length=1, max_length=200)
    referral: str = Field(min_length=1, max_length=200)
    policy: str = Field(max_length=200)
    detector: str = Field(max_length=200)
    consent: str = Field(max_length=200)
    destination: str = Field(min_length=1, max_length=40)
    readers: tuple[str, ...] = Field(max_length=16)
    digest: str = Field(max_length=64)
    bytes: int = Field(ge=0)
    issued: Moment
    expires: Moment
    device: str = Field(max_length=64)
    signature: str = Field(default="", max_length=128)


def new_salt() -> bytes:
    """Draw the 32 random bytes that key one receipt's digest."""
    return secrets.token_bytes(SALT_BYTES)


def payload_digest(payload: bytes, salt: bytes) -> str:
    """Return HMAC-SHA256(salt, payload) as base64url."""
    return to_text(hmac.digest(salt, payload, hashlib.sha256))


def parse_receipt(data: bytes | str) -> Receipt:
    """Read a receipt from JSON; `verify_receipt` it before anything else.

    Raises:
        ReceiptError: it is not a receipt (``malformed``).
    """
    try:
        return Receipt.model_validate_json(data)
    except ValidationError:
        raise ReceiptError("This is not a receipt.", reason="malformed") from None


def _signed(receipt: Receipt) -> bytes:
    body = canonical_json(receipt.model_dump(mode="json", exclude={"signature"}))
    return signed_bytes(PURPOSE, body)


def issue_receipt(
    *,
    key: IdentityKey,
    payload: bytes,
    salt: bytes,
    referral: str,
    policy: str,
    detector: str,
    consent: str,
    destination: str,
    readers: tuple[str, ...],
    valid_for: timedelta,
    now: datetime,
) -> Receipt:
    """Sign for a payload that is about to be sealed.

    Args:
        key: the device's identity.
        payload: exactly what will be sealed.
        salt: from `new_salt`, 32 bytes; put it into the sealed message too.
        referral: id of the referral.
        policy: id of the de-identification policy.
        detector: version of the detector.
        consent: id of the consent that allows it.
        destination: level that is to answer; must be one of ``readers``.
        readers: levels that may read.
        valid_for: how long, at most `LONGEST_VALIDITY`.
        now: the present, with a zone.

    Raises:
        ReceiptError: there is no consent (``no-consent``).
        BadInputError: salt, readers, validity or an id is unusable.
    """
    if not consent:
        raise ReceiptError("No consent covers this disclosure.", reason="no-consent")
    if len(salt) != SALT_BYTES:
        raise BadInputError("A receipt needs a salt of 32 bytes.")
    if destination not in readers:
        raise BadInputError("The tier that is to answer must be among the readers.")
    if not timedelta(0) < valid_for <= LONGEST_VALIDITY:
        raise BadInputError("A receipt is valid for more than nothing and at most 30 days.")
    try:
        receipt = Receipt(
            id=str(uuid4()),
            referral=referral,
            policy=policy,
            detector=detector,
            consent=consent,
            destination=destination,
            readers=readers,
            digest=payload_digest(payload, salt),
            bytes=len(payload),
            issued=now,
            expires=now + valid_for,
            device=key.public.fingerprint,
        )
    except ValidationError:
        raise BadInputError("An id of the receipt is empty or too long.") from None
    return receipt.model_copy(update={"signature": to_text(key.sign(_signed(receipt)))})


def verify_receipt(
    receipt: Receipt,
    *,
    signer: IdentityPublic,
    reader: str,
    referral: str,
    now: datetime,
    accepted_policies: Container[str],
    accepted_detectors: Callable[[str], bool],
    payload: bytes | None = None,
    salt: bytes | None = None,
) -> None:
    """Return if the receipt covers this referral for this reader, now.

    Args:
        receipt: as it came.
        signer: the enrolled identity of the device.
        reader: level of the node that checks, or to which a relay carries it.
        referral: id under which the referral came.
        now: the present, with a zone.
        accepted_policies: ids of policies that this node takes.
        accepted_detectors: says whether a detector version is taken.
        payload: what was unsealed; None on a relay, which cannot read it.
        salt: from the sealed message; needed with ``payload``.

    Raises:
        ReceiptError: with the ``reason`` of the first check that failed, signature first.
    """
    _check_signature(receipt, signer)
    _check_time(receipt, now)
    if receipt.referral != referral:
        raise ReceiptError("The receipt is for another referral.", reason="wrong-referral")
    if reader not in receipt.readers:
        raise ReceiptError("This tier is not among the readers.", reason="wrong-reader")
    if not receipt.consent:
        raise ReceiptError("The receipt names no consent.", reason="no-consent")
    if receipt.policy not in accepted_policies:
        raise ReceiptError("This policy is not accepted here.", reason="unknown-policy")
    if not accepted_detectors(receipt.detector):
        raise ReceiptError("This detector is not accepted here.", reason="unknown-detector")
    if payload is not None:
        _check_digest(receipt, payload, salt)


def _check_signature(receipt: Receipt, signer: IdentityPublic) -> None:
    try:
        signer.verify(from_text(receipt.signature), _signed(receipt))
    except (SealingError, ValueError):
        signed = False
    else:
        signed = receipt.device == signer.fingerprint
    if not signed:
        raise ReceiptError("The receipt is not signed by that device.", reason="bad-signature")


def _check_time(receipt: Receipt, now: datetime) -> None:
    if now < receipt.issued - CLOCK_SKEW:
        raise ReceiptError("The receipt is not valid yet.", reason="not-yet-valid")
    too_long = receipt.expires - receipt.issued > LONGEST_VALIDITY
    if too_long or now > receipt.expires + CLOCK_SKEW:
        raise ReceiptError("The receipt has expired.", reason="expired")


def _check_digest(receipt: Receipt, payload: bytes, salt: bytes | None) -> None:
    whole = salt is not None and len(salt) == SALT_BYTES and len(payload) == receipt.bytes
    digest = payload_digest(payload, salt or b"").encode()
    if not whole or not hmac.compare_digest(digest, receipt.digest.encode()):
        raise ReceiptError("The content is not what the receipt covers.", reason="digest-mismatch")
