"""Telling peers how far this node's audit trail goes, and noting how far theirs goes.

Every call between tiers and every answer to one carries the header `HEADER` with a signed head (see
`compliance.audit.witness`). A head that contradicts an earlier one stops no call, since a patient
waits for it; it is kept in the book, and recorded on this node's own trail.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta

from compliance.audit import Agent, AuditError, AuditTrail, acts
from compliance.audit.witness import BOOK, SignedHead, WitnessBook
from compliance.sealing import IdentityKey, SealingError

HEADER = "caretier-audit-head"
MAX_AGE = timedelta(minutes=2)
"""A head that was taken longer ago, or later, says nothing about now."""
_LOG = logging.getLogger("caretier.witness")


class Witness:
    """One node as a witness of its peers, and they of it.

    Args:
        identity: key of this node.
        trail: its audit trail.
        book: where to note what peers tell; beside the trail's register when None.
    """

    def __init__(
        self, identity: IdentityKey, trail: AuditTrail, book: WitnessBook | None = None
    ) -> None:
        self._identity, self._trail = identity, trail
        self._book = book or WitnessBook(trail.state / BOOK)

    def headers(self) -> dict[str, str]:
        """Return the header for a call or an answer; empty while the trail is.

        Raises:
            AuditError: the trail cannot be read.
        """
        head = self._trail.head()
        if head is None:
            return {}
        return {HEADER: SignedHead.sign(head, self._identity, datetime.now(UTC)).to_header()}

    def note(self, text: str | None, peer: str) -> None:
        """Note the header that came from a peer, by its fingerprint; one that is none is left out.

        Raises:
            AuditError: it cannot be written down.
        """
        if not text:
            return
        try:
            head = SignedHead.from_header(text, peer)
        except SealingError as error:
            _LOG.warning("a peer's audit head was left out: %s", error.reason)
            return
        if abs(datetime.now(UTC) - head.taken) > MAX_AGE:
            _LOG.warning("a peer's audit head was left out: not of now")
            return
        found = self._book.note(head)
        if found:
            _LOG.error("a peer's audit trail was changed: %s", found)
            by = acts.Actors(Agent("application", "caretier"), node=self._trail.node)
            self._trail.record(acts.peer_trail(by, peer, trail=head.trail, problem=found))

    def note_quietly(self, text: str | None, peer: str) -> None:
        """As `note`, where what the head came with has happened already: log and go on."""
        try:
            self.note(text, peer)
        except AuditError as error:
            _LOG.error("a peer's audit head cannot be noted: %s", error.kind)
