"""Who holds a referral: taking, giving back, handing over, snoozing, and undoing each.

Every act is one transaction: the rows are changed, the steps are kept, and the audit trail has it
on the disk before it counts. A referral that was changed since the page was made is left as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from sqlalchemy import Select, select, update
from sqlalchemy.orm import Session, load_only

from compliance.errors import CaretierError, NotFoundError
from services.hospital.errors import NotAllowedError, UnreadableError
from services.hospital.models import Referral, ReferralStep, User
from services.hospital.worklist.acts import LONGEST_NOTE, Wish, held, held_before
from services.hospital.worklist.errors import CannotUndoError
from services.store.database import Database

UNDO_WITHIN = timedelta(minutes=10)
_ROW = (
    *(Referral.id, Referral.version, Referral.state, Referral.urgency, Referral.assignee),
    *(Referral.handed_by, Referral.snoozed_until, Referral.snoozed_by),
    *(Referral.place, Referral.came),
)


@dataclass(frozen=True)
class Done:
    """What an act did.

    Attributes:
        batch: its id, by which it is undone.
        act: which.
        versions: of the referrals that were changed, by id, as they are now.
        refused: why others were not, by id.
    """

    batch: str
    act: str
    versions: dict[str, int] = field(default_factory=dict)
    refused: dict[str, CaretierError] = field(default_factory=dict)


@dataclass(frozen=True)
class Held:
    """One step of a referral's history; ids of accounts."""

    at: datetime
    act: str
    by: str
    to: str | None
    until: datetime | None
    note: str


@dataclass(frozen=True)
class Texts:
    """Seals and opens texts of a referral (`Desk.seal`, `Desk.open`)."""

    seal: Callable[[str, str, str], str]
    open: Callable[[str, str, str], str]


class Holding:
    """Changes who holds referrals, and tells who did.

    Args:
        database: of the hospital.
        texts: seals the notes.
        audit: called in the transaction with who, from where, act and ids, before it counts.
        clock: the present; tests move it.

    Attributes:
        on_step: called in the transaction with each step of `act`.
    """

    def __init__(
        self,
        database: Database,
        texts: Texts,
        audit: Callable[[User, str | None, str, Sequence[str]], None],
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database, self._texts, self._audit, self.clock = database, texts, audit, clock
        self.on_step: Callable[[Session, ReferralStep], None] = lambda _session, _step: None

    def act(
        self, wish: Wish, rows: Sequence[tuple[str, int]], user: User, client: str | None = None
    ) -> Done:
        """Do something with referrals, each with the version that the page showed.

        Raises:
            NotAllowedError: the user is no clinician, or the account was closed.
            NobodyToTakeError: see `Wish.check`.
            SnoozeTimeError: see `Wish.check`.
            AuditError: it could not be written down; nothing was changed.
        """
        if user.role != "clinician" or user.disabled:
            raise NotAllowedError("Only a clinician holds referrals.")
        now = self.clock()
        wish.check(user, now)
        done = Done(str(uuid4()), wish.act)
        versions = dict(rows)
        with self._database.transaction() as session:
            found = _locked(session, versions)
            for id_, version in sorted(versions.items()):
                try:
                    row = _known(found, id_)
                    wish.allow(row, version, user)
                    self._step(session, row, wish, done, user, now)
                except CaretierError as error:
                    done.refused[id_] = error
            if done.versions:
                self._audit(user, client, wish.act, list(done.versions))
        return done

    def one(
        self, wish: Wish, id_: str, version: int, user: User, client: str | None = None
    ) -> Done:
        """Do something with one referral; what is refused is raised.

        Raises:
            CaretierError: as `act` has it in ``refused``.
        """
        done = self.act(wish, [(id_, version)], user, client)
        for error in done.refused.values():
            raise error
        return done

    def undo(self, batch: str, user: User, client: str | None = None) -> Done:
        """Put back what one act of the user changed, where nobody went on since.

        Raises:
            CannotUndoError: there is nothing of it that can be put back.
            AuditError: it could not be written down; nothing was changed.
        """
        now = self.clock()
        done = Done(str(uuid4()), "undo")
        with self._database.transaction() as session:
            steps = session.scalars(_of(batch, user, now - UNDO_WITHIN)).all()
            found = _locked(session, [step.referral for step in steps])
            for step in steps:
                row = found.get(step.referral)
                if row is None or row.version != step.version or row.state != "open":
                    done.refused[step.referral] = CannotUndoError("Somebody went on with it.")
                    continue
                keep(session, row, "undo", user, now, batch=done.batch)
                _set(session, row, held_before(step.before))
                done.versions[row.id] = row.version + 1
            if not done.versions:
                raise CannotUndoError("This can no longer be undone.")
            self._audit(user, client, "undo", list(done.versions))
        return done

    def done(self, batch: str, user: User) -> tuple[str, int] | None:
        """Act and number of referrals of a batch that the user may still undo."""
        with self._database.reading() as session:
            steps = session.scalars(_of(batch, user, self.clock() - UNDO_WITHIN)).all()
        return (steps[0].act, len(steps)) if steps else None

    def history(self, id_: str) -> list[Held]:
        """Who held a referral, the newest last; a note whose key is gone is empty."""
        query = (
            select(ReferralStep)
            .where(ReferralStep.referral == id_)
            .order_by(ReferralStep.at, ReferralStep.version)
        )
        with self._database.reading() as session:
            steps = session.scalars(query).all()
        return [
            Held(s.at, s.act, s.by, s.to, s.until, self._note(s.referral, s.note)) for s in steps
        ]

    def _note(self, id_: str, stored: str | None) -> str:
        try:
            return self._texts.open(id_, "note", stored) if stored else ""
        except UnreadableError:
            return ""

    def _step(  # noqa: PLR0917 - one row of one act
        self, session: Session, row: Referral, wish: Wish, done: Done, user: User, now: datetime
    ) -> None:
        note = wish.note.strip()[:LONGEST_NOTE]
        sealed = self._texts.seal(row.id, "note", note) if note else None
        step = keep(session, row, wish.act, user, now, batch=done.batch)
        step.to, step.note = (wish.to.id if wish.to else None), sealed
        step.until = wish.until if wish.act == "snooze" else None
        _set(session, row, wish.values(user, now))
        self.on_step(session, step)
        done.versions[row.id] = row.version + 1


def keep(
    session: Session, row: Referral, act: str, user: User, now: datetime, *, batch: str = ""
) -> ReferralStep:
    """Keep that somebody changes who holds a referral; ``row`` is still as it was."""
    step = ReferralStep(
        id=str(uuid4()),
        referral=row.id,
        batch=batch or str(uuid4()),
        at=now,
        act=act,
        by=user.id,
        version=row.version + 1,
        before=held(row),
    )
    session.add(step)
    return step


def _locked(session: Session, ids: Sequence[str] | dict[str, int]) -> dict[str, Referral]:
    query = (
        select(Referral)
        .where(Referral.id.in_(list(ids)))
        .order_by(Referral.id)  # two acts at once wait for one another, and never crosswise
        .with_for_update()
        .options(load_only(*_ROW))
    )
    return {row.id: row for row in session.scalars(query)}


def _known(found: dict[str, Referral], id_: str) -> Referral:
    if id_ not in found:
        raise NotFoundError("There is no such referral.")
    return found[id_]


def _set(session: Session, row: Referral, values: dict[str, object]) -> None:
    changed = update(Referral).where(Referral.id == row.id)
    options = {"synchronize_session": False}  # the row is still compared with what it was
    session.execute(changed.values(version=row.version + 1, **values), execution_options=options)


def _of(batch: str, user: User, since: datetime) -> Select[ReferralStep]:
    return select(ReferralStep).where(
        ReferralStep.batch == batch,
        ReferralStep.by == user.id,
        ReferralStep.at >= since,
        ReferralStep.act != "undo",
    )
