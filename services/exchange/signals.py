"""Signals that devices send: taken into the node's book once, and out of it with their consent."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from sqlalchemy.orm import Session

from services.exchange.errors import ReferralRefusedError
from services.exchange.intake import Intake
from services.exchange.messages import Envelope
from services.learning.signals import (
    SentSignal,
    forget_consent,
    from_patient,
    keep,
    learned_from,
)


class SignalIntake:
    """Keeps the signals that come to one node.

    Args:
        intake: that took their envelopes, and knows which consents were withdrawn.
        keep_for: how long a signal is kept; None for as long as its consent.

    Attributes:
        on_unlearned: called in the transaction that deletes signals, with the contributions that
            were made of them.
    """

    def __init__(self, intake: Intake, keep_for: timedelta | None) -> None:
        self._intake = intake
        self.keep_for = keep_for if keep_for is not None else timedelta(days=36_500)
        self.on_unlearned: Callable[[Session, frozenset[str]], None] = lambda _session, _ids: None
        intake.on_consent = self._forget

    def take(self, envelope: Envelope, sent: SentSignal) -> None:
        """Keep a signal; its envelope is emptied in the same transaction.

        Raises:
            ReferralRefusedError: its consent was withdrawn or has run out.
        """
        device = envelope.receipt.device
        if sent.over(datetime.now(UTC)) or not self.may(device, sent.consent):
            raise ReferralRefusedError("The consent is over.")
        with self._intake.database.transaction() as session:
            keep(session, from_patient(sent, device=device, keep_for=self.keep_for))
            self._intake.settled(session, envelope.id)
        self.look_again(device, sent.consent)

    def may(self, device: str, consent: str) -> bool:
        """Whether a consent of a device has not been withdrawn."""
        return not self._intake.withdrawals.is_withdrawn(device, consent)

    def look_again(self, device: str, consent: str) -> None:
        """Delete what was kept at the very moment at which its consent was withdrawn."""
        if not self.may(device, consent):
            with self._intake.database.transaction() as session:
                self._forget(session, device, consent)

    def _forget(self, session: Session, device: str, consent: str) -> None:
        made = learned_from(session, device, consent)
        forget_consent(session, device, consent)
        if made:
            self.on_unlearned(session, made)
