"""The hospital's phrases in the database."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Literal
from uuid import uuid4

from sqlalchemy import or_, select

from compliance.errors import NotFoundError
from services.hospital.errors import NotAllowedError, StaleDraftError
from services.hospital.models import Phrase, PhraseVersion, User
from services.hospital.phrases.rows import own_phrase, phrase_of, versions_of, view_of
from services.hospital.phrases.starting import STARTING
from services.hospital.phrases.words import PhraseView, State, Words
from services.store.database import Database

Act = Literal["written", "shared", "approved", "retired"]
Audit = Callable[[User, str, Act], None]
"""Writes down who does what with ``phrase:id``; raises where it cannot, and nothing is done."""
STALE = "This phrase was changed since you opened it."


class Phrases:
    """Reads and changes phrases on behalf of a signed-in clinician.

    Args:
        database: of the hospital.
        audit: writes each change down before it is made.
    """

    def __init__(self, database: Database, audit: Audit) -> None:
        self._database, self._audit = database, audit

    def usable(self, user: User) -> tuple[PhraseView, ...]:
        """What a clinician may put into a reply: own ones, shared ones, then Caretier's."""
        return (*(view for view in self._list(user) if self._fits(view, user)), *STARTING)

    def seen(self, user: User) -> tuple[PhraseView, ...]:
        """What a clinician sees on the page of phrases: also what waits for a second clinician."""
        return (*self._list(user), *STARTING)

    def one(self, id_: str, user: User) -> PhraseView:
        """One phrase with its versions.

        Raises:
            NotFoundError: there is none, or it is somebody else's own.
        """
        for view in STARTING:
            if view.id == id_:
                return view
        with self._database.reading() as session:
            row = phrase_of(session, id_, user)
            return view_of(row, versions_of(session, [row.id])[row.id], user, whole=True)

    def write(
        self, user: User, words: Words, id_: str | None = None, version: int = 0
    ) -> PhraseView:
        """Write a phrase anew, or a further version of one's own.

        Args:
            user: who writes.
            words: title and texts.
            id_: of the phrase that it is a version of; a new one where None.
            version: that the writer has seen.

        Raises:
            BadInputError: a title or every text lacks, or one is too long.
            NotFoundError: there is no such phrase, or it is retired.
            NotAllowedError: it is somebody else's.
            StaleDraftError: it has another version since.
        """
        said, now = words.check(), datetime.now(UTC)
        self._audit(user, f"phrase:{id_ or 'new'}", "written")
        with self._database.transaction() as session:
            row = own_phrase(session, id_, user) if id_ else Phrase(id=str(uuid4()), owner=user.id)
            if id_ is None:
                row.version = 0
                session.add(row)
                session.flush()
            if row.version != version:
                raise StaleDraftError(STALE)
            row.version += 1
            if row.shared or row.wanted:
                row.wanted = row.version  # what all see changes only when a second person let it
            session.add(
                PhraseVersion(
                    phrase=row.id,
                    number=row.version,
                    title=said.title,
                    english=said.english,
                    spanish=said.spanish,
                    written_by=user.id,
                    written=now,
                )
            )
            made = row.id
        return self.one(made, user)

    def share(self, id_: str, user: User) -> None:
        """Offer one's own phrase to all: it waits for a second clinician.

        Raises:
            NotFoundError, NotAllowedError: as `write`.
        """
        self._audit(user, f"phrase:{id_}", "shared")
        with self._database.transaction() as session:
            row = own_phrase(session, id_, user)
            row.wanted = row.version if row.shared != row.version else None

    def approve(self, id_: str, user: User, version: int) -> None:
        """Let a version in for everybody.

        Raises:
            NotFoundError: there is no such phrase, or it is retired.
            NotAllowedError: it is the clinician's own: a second one has to read it.
            StaleDraftError: another version waits than the one that was read.
        """
        self._audit(user, f"phrase:{id_}", "approved")
        with self._database.transaction() as session:
            row = phrase_of(session, id_, user, locked=True)
            if row.retired is not None:
                raise NotFoundError("This phrase was retired.")
            if row.owner == user.id:
                raise NotAllowedError("A second clinician has to read a phrase before all see it.")
            if row.wanted != version:
                raise StaleDraftError(STALE)
            row.shared, row.wanted = version, None
            kept = session.get_one(PhraseVersion, (id_, version))
            kept.approved_by, kept.approved = user.id, datetime.now(UTC)

    def retire(self, id_: str, user: User) -> None:
        """End a phrase: one's own, or one that is everybody's.

        Raises:
            NotFoundError: there is none, or it is somebody else's own.
            NotAllowedError: it is somebody else's and not shared.
        """
        self._audit(user, f"phrase:{id_}", "retired")
        with self._database.transaction() as session:
            row = phrase_of(session, id_, user, locked=True)
            if row.owner != user.id and row.shared is None:
                raise NotAllowedError("Its owner alone may take back what waits.")
            row.retired, row.wanted = row.retired or datetime.now(UTC), None

    def _list(self, user: User) -> list[PhraseView]:
        mine = Phrase.owner == user.id
        others = or_(Phrase.shared.is_not(None), Phrase.wanted.is_not(None))
        with self._database.reading() as session:
            rows = list(session.scalars(select(Phrase).where(or_(mine, others))))
            versions = versions_of(session, [row.id for row in rows])
        views = [view_of(row, versions[row.id], user) for row in rows]
        order: dict[State, int] = {"waiting": 0, "own": 1, "shared": 2, "starting": 3, "retired": 4}
        return sorted(views, key=lambda v: (order[v.state], v.words.title.casefold(), v.id))

    @staticmethod
    def _fits(view: PhraseView, user: User) -> bool:
        """Whether it may stand in a reply of this clinician: not what only waits of another's."""
        mine = view.owner == user.id
        return view.state != "retired" and (mine or view.shared is not None)
