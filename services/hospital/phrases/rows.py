"""A phrase's rows: which somebody may see or write, and what they see of them."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from compliance.errors import NotFoundError
from services.hospital.errors import NotAllowedError
from services.hospital.models import Phrase, PhraseVersion, User
from services.hospital.phrases.words import PhraseView, State, VersionView, Words


def versions_of(session: Session, ids: Sequence[str]) -> dict[str, list[PhraseVersion]]:
    """The versions of phrases, by id, the newest first."""
    found: dict[str, list[PhraseVersion]] = {id_: [] for id_ in ids}
    query = select(PhraseVersion).where(PhraseVersion.phrase.in_(ids))
    for row in session.scalars(query.order_by(PhraseVersion.number.desc())):
        found[row.phrase].append(row)
    return found


def phrase_of(session: Session, id_: str, user: User, *, locked: bool = False) -> Phrase:
    """A phrase that somebody may see.

    Raises:
        NotFoundError: there is none, or it is somebody else's own.
    """
    row = session.get(Phrase, id_, with_for_update=locked or None)
    hidden = row is not None and row.owner != user.id and not (row.shared or row.wanted)
    if row is None or hidden:
        raise NotFoundError("There is no such phrase.")
    return row


def own_phrase(session: Session, id_: str, user: User) -> Phrase:
    """A phrase that somebody may write, locked until the transaction ends.

    Raises:
        NotFoundError: there is none, or it is retired.
        NotAllowedError: it is somebody else's.
    """
    row = phrase_of(session, id_, user, locked=True)
    if row.retired is not None:
        raise NotFoundError("This phrase was retired.")
    if row.owner != user.id:
        raise NotAllowedError("Only its owner writes a phrase; make a copy of it.")
    return row


def view_of(
    row: Phrase, versions: Sequence[PhraseVersion], user: User, *, whole: bool = False
) -> PhraseView:
    """A phrase as one clinician sees it; ``whole`` with its versions."""
    number = row.version if row.owner == user.id else (row.shared or row.wanted or row.version)
    shown = next(one for one in versions if one.number == number)
    state: State = "shared" if row.shared else "own"
    if row.wanted:
        state = "waiting"
    if row.retired:
        state = "retired"
    mine = row.owner == user.id
    told = [v for v in versions if mine or v.number in {row.shared, row.wanted} or v.approved]
    return PhraseView(
        row.id,
        _words(shown),
        number,
        state,
        row.owner,
        row.wanted,
        row.shared,
        tuple(map(_told, told)) if whole else (),
    )


def _words(row: PhraseVersion) -> Words:
    return Words(row.title, row.english, row.spanish)


def _told(row: PhraseVersion) -> VersionView:
    return VersionView(
        row.number, _words(row), row.written_by, row.written, row.approved_by, row.approved
    )
