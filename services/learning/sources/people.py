"""What people decide about a change: for one candidate, with a reason, written down."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from typing import Any

from services.learning.models import KnowledgeChange
from services.learning.sources.book import FencedOffError, SourceBook
from services.learning.sources.catalogue import SourceList
from services.learning.sources.errors import ChangeBlockedError
from services.learning.sources.filing import Candidates
from services.learning.sources.states import State

NOTE_CHARS = 500


class People:
    """Approvals, refusals, and what is kept or looked at again.

    Args:
        book: of changes.
        catalogue: the reviewed list.
        candidates: that people look at.
    """

    def __init__(self, book: SourceBook, catalogue: SourceList, candidates: Candidates) -> None:
        self._book, self._catalogue, self._candidates = book, catalogue, candidates

    def approve(self, change: str, candidate: str, by: str, note: str = "") -> State:
        """Approve what was looked at; knowledge is then released, a notice is noted.

        Args:
            change: its id.
            candidate: digest of the report that the person looked at.
            by: id of the person.
            note: why.

        Raises:
            NotFoundError: there is no such change, or its source is no longer listed.
            ChangeBlockedError: it does not wait for people, or another candidate stands now.
        """
        row = self._book.require(change, {State.WAITING}, candidate)
        source = self._catalogue.of(row.source)
        self._candidates.report(candidate)
        knowledge = source.becomes == "knowledge"
        return self._decide(row, State.APPROVED if knowledge else State.NOTED, by, note)

    def refuse(self, change: str, candidate: str, by: str, reason: str) -> State:
        """Refuse a change; what is in use stays as it is.

        Raises:
            NotFoundError: there is no such change.
            ChangeBlockedError: nothing of it waits, another candidate stands now, or no reason is
                given.
        """
        _require_reason(reason, "A refusal")
        row = self._book.require(change, {State.WAITING, State.QUARANTINED}, candidate)
        return self._decide(row, State.REFUSED, by, reason)

    def keep(
        self, change: str, candidate: str, passages: Collection[str], by: str, reason: str
    ) -> State:
        """Keep contradicting passages that were left out; the change is checked again with them.

        Raises:
            NotFoundError: there is no such change.
            ChangeBlockedError: it does not wait, none or another than a contradicting passage is
                named, or no reason is given.
        """
        _require_reason(reason, "Keeping a contradiction")
        row = self._book.require(change, {State.WAITING, State.QUARANTINED}, candidate)
        found = self._candidates.report(candidate).get("contradictions", [])
        known = {one["right"]["passage"] for one in found}
        if not passages or set(passages) - known:
            raise ChangeBlockedError(
                "Only passages that contradict can be kept.", remedy="Choose among those shown."
            )
        kept = sorted({*(row.kept or ()), *passages})
        return self._decide(row, State.CHECKING, by, reason, kept=kept)

    def recheck(self, change: str) -> State:
        """Check a change again, by the list of sources as it is now.

        Raises:
            NotFoundError: there is no such change.
            ChangeBlockedError: it is decided already.
        """
        states = {State.WAITING, State.QUARANTINED, State.FAILED}
        return self._move(self._book.require(change, states, None), State.CHECKING)

    def _decide(self, row: KnowledgeChange, to: State, by: str, note: str, **values: Any) -> State:
        said = note.strip()[:NOTE_CHARS] or None
        return self._move(row, to, by=by, note=said, decided=dt.datetime.now(dt.UTC), **values)

    def _move(self, row: KnowledgeChange, to: State, **values: Any) -> State:
        try:
            return self._book.move(row, to, **values)
        except FencedOffError:
            raise ChangeBlockedError(
                "The change moved while you decided.", remedy="Look at it again, then decide."
            ) from None


def _require_reason(reason: str, what: str) -> None:
    if not reason.strip():
        raise ChangeBlockedError(f"{what} needs a reason.", remedy="Say why.")
