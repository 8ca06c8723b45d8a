"""The clinicians' desk: referrals with drafts, to be edited and signed."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from compliance.audit import Agent
from compliance.errors import BadInputError, NotFoundError
from services.consult.messages import Answer, Citation, Level, ModelCardRef, Sentence, Status, Step
from services.exchange.intake import WITHDRAWN, Intake
from services.exchange.keys import NodeKeys
from services.exchange.messages import Envelope, ReferredQuestion
from services.exchange.models import StoredParcel
from services.exchange.sealed import seal_reply
from services.hospital.authorship import untouched
from services.hospital.errors import NotAllowedError, StaleDraftError, UnreadableError
from services.hospital.models import Referral, User
from services.hospital.text_keys import TextKeys
from services.hospital.worklist import keep
from services.store.database import Database
from services.store.rows import changed as rows_changed
from services.store.rows import taken

_LOG = logging.getLogger("caretier.hospital")
MAX_REPLY_CHARS = 20_000
URGENCY_RANK = {"emergency": 0, "urgent": 1, "routine": 2}


@dataclass(frozen=True)
class DeskItem:
    """A referral as the portal shows it; ``text`` is what would be signed now."""

    id: str
    urgency: str
    reason: str
    state: str
    received: datetime
    question: ReferredQuestion
    draft: Answer | None
    text: str
    version: int
    assignee: str | None
    signed_by: str | None
    signed: datetime | None


class Desk:
    """Reads and changes referrals on behalf of a signed-in clinician.

    Args:
        intake: of the hospital.
        keys: with which replies are signed.
        texts: under which the referrals' texts are sealed; as they are where None.

    Attributes:
        on_signed: called in the transaction that signs, with the referral's id.
        on_taken: called in the transaction that makes who saves the holder, with both ids.
    """

    def __init__(self, intake: Intake, keys: NodeKeys, texts: TextKeys | None = None) -> None:
        self._intake, self._keys, self._texts = intake, keys, texts
        self._database = intake.database
        self.on_signed: Callable[[Session, str], None] = lambda _session, _referral: None
        self.on_taken: Callable[[User, str], None] = lambda _user, _referral: None

    @property
    def database(self) -> Database:
        """Where the referrals are."""
        return self._database

    def record(self, events: Sequence[dict[str, Any]]) -> object:
        """Write events to the trail of the intake."""
        return self._intake.audit.record_all(events)

    def seal(self, id_: str, column: str, text: str) -> str:
        """A text as it is to stand in the database."""
        return text if self._texts is None else self._texts.seal(id_, column, text)

    def open(self, id_: str, column: str, stored: str) -> str:
        """A text out of the database.

        Raises:
            UnreadableError: its key was destroyed.
        """
        return stored if self._texts is None else self._texts.open(id_, column, stored)

    def inbox(self, state: str = "open", *, limit: int = 100, offset: int = 0) -> list[DeskItem]:
        """Referrals in a state: most urgent first, then oldest; signed ones newest first."""
        order = (
            (Referral.signed.desc(),)
            if state == "signed"
            else (Referral.urgency_rank, Referral.received)
        )
        with self._database.reading() as session:
            query = (
                select(Referral)
                .where(Referral.state == state)
                .order_by(*order, Referral.id)
                .limit(limit)
                .offset(offset)
            )
            rows = list(session.scalars(query))
        found = []
        for row in rows:
            try:
                found.append(self._item(row))
            except UnreadableError:  # erased this moment, or its key is lost: the others count
                _LOG.warning("a referral has no key")
        return found

    def counts(self) -> dict[str, int]:
        """Number of open referrals by urgency, and of signed ones (key ``signed``)."""
        with self._database.reading() as session:
            rows = session.execute(
                select(Referral.urgency, func.count())
                .where(Referral.state == "open")
                .group_by(Referral.urgency)
            ).all()
            signed = session.scalar(
                select(func.count()).select_from(Referral).where(Referral.state == "signed")
            )
        counts = {str(row[0]): int(row[1]) for row in rows}
        return counts | {"signed": signed or 0}

    def describe(self, most: int = 10_000) -> int:
        """Look up language and draft of open referrals from before the worklist had them.

        Returns:
            How many there were.
        """
        unknown = select(Referral).where(Referral.state == "open", Referral.language.is_(None))
        with self._database.transaction() as session:
            quiet = unknown.limit(most).with_for_update(skip_locked=True)
            rows = session.scalars(quiet).all()
            for row in rows:
                try:
                    item = self._item(row)
                except UnreadableError:
                    continue
                row.language = item.question.person.language
                row.drafted = answered(item.draft)
        return len(rows)

    def item(self, id_: str) -> DeskItem:
        """One referral.

        Raises:
            NotFoundError: there is none with this id.
        """
        with self._database.reading() as session:
            row = session.get(Referral, id_)
        if row is None:
            raise NotFoundError("There is no such referral.")
        with self._unless_gone(id_):
            return self._item(row)

    @contextmanager
    def _unless_gone(self, id_: str) -> Iterator[None]:
        """Tell of a referral that is being taken away, its key first, that there is none."""
        try:
            yield
        except UnreadableError:
            with self._database.transaction() as session:  # waits for whoever takes it away
                gone = session.get(Referral, id_, with_for_update=True) is None
            if gone:
                raise NotFoundError("There is no such referral.") from None
            raise

    def save(self, id_: str, text: str, *, version: int, user: User) -> DeskItem:
        """Keep an edited text; who saves holds the referral from then on, and it is awake.

        Raises:
            StaleDraftError: ``version`` is not the newest, or it was signed.
            BadInputError: the text is too long.
        """
        _check(text, empty=True)
        sealed = self.seal(id_, "edited", text) if self._exists(id_) else text
        with self._database.transaction() as session:
            row = session.get(Referral, id_, with_for_update=True)
            if row is None or row.version != version or row.state != "open":
                raise self._refused(row)
            if row.assignee != user.id:
                keep(session, row, "take", user, datetime.now(UTC))
                self.on_taken(user, id_)
                row.assignee, row.handed_by = user.id, None
            row.edited, row.version = sealed, version + 1
            row.snoozed_until = row.snoozed_by = None
        return self.item(id_)

    def sign(
        self,
        id_: str,
        text: str,
        *,
        version: int,
        user: User,
        beside: Callable[[Session, datetime], None] | None = None,
    ) -> DeskItem:
        """Sign a reply and send it: audited, signed by the hospital, sealed to the device.

        Args:
            id_: of the referral.
            text: what is signed.
            version: that it was made from.
            user: the clinician.
            beside: called in the transaction with the moment; when it raises, nothing is signed.

        Raises:
            StaleDraftError: ``version`` is not the newest, or it was signed before.
            BadInputError: the text is empty or too long.
            NotAllowedError: the user is no clinician, or the account was closed.
            AuditError: it could not be written down; nothing was sent.
        """
        _check(text, empty=False)
        if user.role != "clinician" or user.disabled:
            raise NotAllowedError("Only a clinician signs.")
        item = self.item(id_)
        if item.version != version or item.state != "open":
            raise StaleDraftError("This referral was changed since you opened it.")
        with self._database.reading() as session:
            kept = session.get_one(StoredParcel, id_).envelope
        if not self._intake.is_wanted(id_):
            raise NotFoundError("There is no such referral.")
        with self._unless_gone(id_):
            envelope = Envelope.model_validate_json(self.open(id_, "envelope", kept))
        now = datetime.now(UTC)
        reply = seal_reply(
            _signed_answer(item, text, user, now),
            referral=id_,
            by=Level.HOSPITAL,
            identity=self._keys.identity,
            reply_to=item.question.reply_to,
        )
        model = Agent("model", item.draft.model.name) if item.draft else None
        self._intake.record(
            "sign", envelope, source=f"user:{user.id}", destination=Level.DEVICE, model=model
        )
        with self._database.transaction() as session:
            sent = session.execute(
                update(StoredParcel)
                .where(StoredParcel.id == id_, StoredParcel.state != WITHDRAWN)
                .values(state="answered", reply=reply)
            )
            if rows_changed(sent) != 1:
                raise NotFoundError("There is no such referral.")
            signed = session.execute(
                update(Referral)
                .where(Referral.id == id_, Referral.version == version, Referral.state == "open")
                .values(
                    state="signed",
                    signed=now,
                    signed_by=user.id,
                    signed_text=self.seal(id_, "signed_text", text),
                    version=version + 1,
                )
            )
            if rows_changed(signed) != 1:
                raise StaleDraftError("This referral was changed since you opened it.")
            self.on_signed(session, id_)
            if beside is not None:
                beside(session, now)
            # read here: a withdrawal that waits for this destroys the key afterwards
            return self._item(session.get_one(Referral, id_))

    def forget(self, before: datetime, held: frozenset[str] = frozenset()) -> int:
        """Delete referrals that were signed before a moment, with their keys and envelopes.

        Args:
            before: the moment.
            held: subjects under legal hold (``referral:id``); they stay.

        Returns:
            How many.
        """
        with self._database.reading() as session:
            old = session.scalars(select(Referral.id).where(Referral.signed < before))
            ids = [id_ for id_ in old if f"referral:{id_}" not in held]
        if self._texts is not None:
            self._texts.destroy(ids)
        with self._database.transaction() as session:
            for table, column in ((StoredParcel, StoredParcel.id), (Referral, Referral.id)):
                here = taken(session, column, column.in_(ids))
                session.execute(delete(table).where(column.in_(here)))
        if self._texts is not None:
            self._texts.forget_graves(ids)
        return len(ids)

    def _exists(self, id_: str) -> bool:
        with self._database.reading() as session:
            return session.get(Referral, id_) is not None

    def _item(self, row: Referral) -> DeskItem:
        def text_of(column: str) -> str | None:
            stored = getattr(row, column)
            return None if stored is None else self.open(row.id, column, stored)

        drafted, edited = text_of("draft"), text_of("edited")
        draft = Answer.model_validate_json(drafted) if drafted else None
        written = draft.text if draft and draft.status is Status.ANSWERED else ""
        return DeskItem(
            id=row.id,
            urgency=row.urgency,
            reason=row.reason,
            state=row.state,
            received=row.received,
            question=ReferredQuestion.model_validate_json(text_of("question") or ""),
            draft=draft,
            text=text_of("signed_text") or (edited if edited is not None else written),
            version=row.version,
            assignee=row.assignee,
            signed_by=row.signed_by,
            signed=row.signed,
        )

    @staticmethod
    def _refused(row: Referral | None) -> NotFoundError | StaleDraftError:
        if row is None:
            return NotFoundError("There is no such referral.")
        return StaleDraftError("This referral was changed since you opened it.")


def is_open(session: Session, id_: str) -> bool:
    """Whether a referral waits for its reply; it does until the transaction ends."""
    query = select(Referral.state).where(Referral.id == id_).with_for_update()
    return session.scalar(query) == "open"


def answered(draft: Answer | None) -> bool:
    """Whether there is a draft that says something."""
    return draft is not None and draft.status is Status.ANSWERED


def _check(text: str, *, empty: bool) -> None:
    if len(text) > MAX_REPLY_CHARS:
        raise BadInputError(f"A reply has at most {MAX_REPLY_CHARS} characters.")
    if not empty and not text.strip():
        raise BadInputError("A reply cannot be empty.")


def _signed_answer(item: DeskItem, text: str, user: User, now: datetime) -> Answer:
    """The answer for the patient: the clinician's text and the sources still quoted in it."""
    kept: list[Sentence] = []
    citations: list[Citation] = []
    if item.draft is not None:
        said = [s.text for s in item.draft.sentences]
        kept = [item.draft.sentences[i] for i in untouched(text, said)]
        used = {c for s in kept for c in s.citations}
        citations = [c for c in item.draft.citations if c.id in used]
    signature = Step(step="sign", ms=0.0, detail={"by": user.display_name, "at": now.isoformat()})
    return Answer(
        id=item.id,
        status=Status.ANSWERED,
        text=text,
        tier=Level.HOSPITAL,
        model=item.draft.model if item.draft else ModelCardRef(name="clinician", digest="none"),
        experts=(*(item.draft.experts if item.draft else ()), "clinician"),
        triage=item.draft.triage if item.draft else Answer.model_fields["triage"].default,
        confidence=1.0,
        sentences=tuple(kept) if " ".join(s.text for s in kept) == text.strip() else (),
        citations=tuple(citations),
        trace=(*(item.draft.trace if item.draft else ()), signature),
    )
