"""Seal a question for a tier, open it there, and seal the answer back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from pydantic import ValidationError

from compliance.receipt import Receipt, ReceiptError, verify_receipt
from compliance.sealing import (
    IdentityKey,
    IdentityPublic,
    Keyring,
    SealingError,
    SealingKey,
    SealingPublic,
    seal,
    unseal,
)
from compliance.sealing.encoding import from_text, to_text
from compliance.sealing.identity import signed_bytes
from services.consult.messages import Answer, Level
from services.exchange.errors import ReferralRefusedError
from services.exchange.messages import (
    Envelope,
    ReferredQuestion,
    SealedRequest,
    SignedReply,
    reply_context,
    seal_context,
)
from services.learning.signals.message import SentSignal, signal_in

POLICIES = frozenset({"safe-harbor-1"})
"""De-identification policies that a tier accepts."""
REPLY_PURPOSE = "caretier/reply/v1"


def accepted_detector(version: str) -> bool:
    """Whether a tier accepts questions that this detector masked."""
    return version.startswith("caretier-deid/")


def seal_question(
    question: str,
    salt: bytes,
    receipt: Receipt,
    *,
    device: IdentityPublic,
    destination: Literal[Level.CLINIC, Level.HOSPITAL],
    to: SealingPublic,
) -> Envelope:
    """Make the envelope for a question that a receipt covers.

    Args:
        question: JSON text of a ReferredQuestion, exactly what the receipt's digest is over.
        salt: of that digest.
        receipt: names ``destination`` among its readers.
        device: public identity that signed the receipt.
        destination: tier that is to answer; a clinic that passes a question on names the hospital.
        to: sealing key of that tier.
    """
    request = SealedRequest(salt=to_text(salt), question=question)
    context = seal_context(receipt.referral, destination, receipt.id)
    sealed = seal(request.model_dump_json().encode(), to, context=context)
    return Envelope(
        id=receipt.referral,
        destination=destination,
        key_id=to.key_id,
        device=device.to_text(),
        receipt=receipt,
        sealed=to_text(sealed),
    )


def device_of(envelope: Envelope) -> IdentityPublic:
    """The device's public identity; it must be the one that the receipt names.

    Raises:
        ReferralRefusedError: it is not.
    """
    try:
        device = IdentityPublic.from_text(envelope.device)
    except SealingError:
        raise ReferralRefusedError("The device's identity is unreadable.") from None
    if device.fingerprint != envelope.receipt.device:
        raise ReferralRefusedError("The receipt was signed by another device.")
    return device


def check_receipt(
    envelope: Envelope, reader: str, *, question: bytes | None = None, salt: bytes | None = None
) -> None:
    """Verify the receipt of an envelope; with ``question`` and ``salt`` also what it covers.

    Raises:
        ReferralRefusedError: naming the reason of the receipt's refusal.
    """
    try:
        verify_receipt(
            envelope.receipt,
            signer=device_of(envelope),
            reader=reader,
            referral=envelope.id,
            now=datetime.now(UTC),
            accepted_policies=POLICIES,
            accepted_detectors=accepted_detector,
            payload=question,
            salt=salt,
        )
    except ReceiptError as error:
        raise ReferralRefusedError(f"The receipt was refused: {error.reason}.") from error


@dataclass(frozen=True)
class Opened:
    """A question that was unsealed and checked: parsed, as the exact text, and its salt."""

    question: ReferredQuestion
    text: str
    salt: bytes


def open_sealed(envelope: Envelope, keys: Keyring, reader: Level) -> Opened | SentSignal:
    """Unseal what an envelope holds, a question or a signal, and check it against its receipt.

    Raises:
        ReferralRefusedError: it cannot be unsealed, or the receipt does not cover it.
    """
    text, salt = _unsealed(envelope, keys, reader)
    signal = signal_in(text)
    if signal is None:
        return _question(envelope, text, salt)
    if (signal.signal, signal.consent) != (envelope.id, envelope.receipt.consent):
        raise ReferralRefusedError("The signal belongs to another envelope or consent.")
    return signal


def open_question(envelope: Envelope, keys: Keyring, reader: Level) -> Opened:
    """Unseal a question and check it against its receipt.

    Raises:
        ReferralRefusedError: it cannot be unsealed, or the receipt does not cover it.
    """
    return _question(envelope, *_unsealed(envelope, keys, reader))


def _unsealed(envelope: Envelope, keys: Keyring, reader: Level) -> tuple[str, bytes]:
    try:
        plain = unseal(from_text(envelope.sealed), keys, context=envelope.context())
        request = SealedRequest.model_validate_json(plain)
        salt = from_text(request.salt)
    except (SealingError, ValidationError, ValueError):
        raise ReferralRefusedError("The referral cannot be opened here.") from None
    check_receipt(envelope, reader, question=request.question.encode(), salt=salt)
    return request.question, salt


def _question(envelope: Envelope, text: str, salt: bytes) -> Opened:
    try:
        question = ReferredQuestion.model_validate_json(text)
    except ValidationError:
        raise ReferralRefusedError("The referral holds no question.") from None
    if question.referral != envelope.id:
        raise ReferralRefusedError("The question belongs to another referral.")
    try:  # before anybody works on an answer that could never be sealed
        seal(b"", SealingPublic.from_text(question.reply_to), context=b"")
    except (SealingError, ValueError):
        raise ReferralRefusedError("No answer can be sealed to the device's key.") from None
    return Opened(question, text, salt)


def seal_reply(
    answer: Answer, *, referral: str, by: Level, identity: IdentityKey, reply_to: str
) -> str:
    """Sign an answer and seal it to the device; returns base64url."""
    text = answer.model_dump_json()
    signature = identity.sign(signed_bytes(REPLY_PURPOSE, f"{referral}\n{by}\n{text}".encode()))
    reply = SignedReply(referral=referral, by=by, answer=text, signature=to_text(signature))
    to = SealingPublic.from_text(reply_to)
    return to_text(seal(reply.model_dump_json().encode(), to, context=reply_context(referral)))


def open_reply(
    sealed: str, *, referral: str, key: SealingKey, signers: dict[Level, IdentityPublic]
) -> Answer:
    """Open a sealed reply on the device.

    Args:
        sealed: base64url.
        referral: the id that was asked.
        key: the device's reply key of that referral.
        signers: identities of the tiers that may answer.

    Raises:
        ReferralRefusedError: it is not a reply to this referral by one of those tiers.
    """
    try:
        plain = unseal(from_text(sealed), key, context=reply_context(referral))
        reply = SignedReply.model_validate_json(plain)
        signer = signers[reply.by]
        text = f"{reply.referral}\n{reply.by}\n{reply.answer}".encode()
        signer.verify(from_text(reply.signature), signed_bytes(REPLY_PURPOSE, text))
    except (SealingError, ValidationError, ValueError, KeyError):
        raise ReferralRefusedError("The reply is not from a tier that was asked.") from None
    if reply.referral != referral:
        raise ReferralRefusedError("The reply belongs to another referral.")
    answer = reply.answer_model()
    if answer.tier != reply.by:  # a clinic must not pass its own words off as the hospital's
        raise ReferralRefusedError("The reply names another tier than the one that signed it.")
    return answer
