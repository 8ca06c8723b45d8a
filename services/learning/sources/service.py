"""Sources from asking to release: the steps that jobs do, and the clock."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from compliance.errors import NotFoundError
from services.bricks.errors import BrickError
from services.bricks.operations.workshop import Workshop
from services.bricks.topic import Topic
from services.learning.models import KnowledgeChange
from services.learning.sources.book import AddJob, Done, SourceBook, no_job, no_jobs
from services.learning.sources.catalogue import Listed, SourceList
from services.learning.sources.checking import Checked, Checking
from services.learning.sources.errors import ChangeBlockedError, SourceRefusedError
from services.learning.sources.fetch import Fetcher
from services.learning.sources.filing import Candidates
from services.learning.sources.noting import check_notices
from services.learning.sources.people import People
from services.learning.sources.protected import Protected
from services.learning.sources.release import make_brick
from services.learning.sources.snapshot import Part, Snapshot
from services.learning.sources.states import State
from services.learning.sources.taking import Taking
from services.store.database import Database

ERROR_CHARS = 300
SHOWN = 50
"""Changes of each source whose reports stay on the disk."""


class Publisher(Protocol):
    """Signs and publishes bricks."""

    def publish(self, shop: Workshop, ref: str) -> bool:
        """Publish a brick; False where a person has to sign it."""
        ...

    def is_published(self, ref: str) -> bool:
        """Whether it is."""
        ...


class Sources:
    """The sources of one hospital.

    Args:
        database: with learning's tables.
        catalogue: the reviewed list.
        folder: of candidates.
        fetcher: fetches, and knows the shelf of files.
        shop: its store holds the bricks.
        in_use: topics that the hospital answers from now.
        publisher: signs and publishes.
        allowed: whether the operator let a source be called.
        protected: questions that have to stay answerable.
        add_job: adds the job of a step.

    Attributes:
        fetch: asks one source now (see `Taking`).
        people: what people decide (see `People`).
    """

    def __init__(
        self,
        database: Database,
        catalogue: SourceList,
        folder: Path,
        fetcher: Fetcher,
        shop: Workshop,
        *,
        in_use: Callable[[], Sequence[Topic]],
        publisher: Publisher,
        allowed: Callable[[Listed], bool] = lambda _source: True,
        protected: Sequence[Protected],
        add_job: AddJob = no_jobs,
    ) -> None:
        self.book = SourceBook(database, add_job)
        self.catalogue, self.fetcher, self.shop = catalogue, fetcher, shop
        self.candidates, self.allowed = Candidates(folder), allowed
        self.people = People(self.book, catalogue, self.candidates)
        self.fetch = Taking(self.book, catalogue, fetcher)
        self._publisher = publisher
        self._checking = Checking(
            shop, catalogue, fetcher.shelf, self.candidates, in_use, protected
        )

    def tick(self) -> None:
        """Add the jobs of what is due, and see what people signed meanwhile."""
        now = self.fetcher.now()
        for source in self.catalogue.sources:
            due = self.book.standing(source.id).due
            if self.allowed(source) and (due is None or due <= now):
                self.book.ask(source.id, due)
        self.book.mend()
        for row in self.book.live():
            if row.state == State.SIGNING and row.brick and self._publisher.is_published(row.brick):
                self.book.move(row, State.PUBLISHED)

    def advance(self, change: str, done: Done = no_job) -> State:
        """Do the next step of a change; one that is over, or gone, changes nothing.

        Raises:
            FencedOffError: somebody else does it.
        """
        try:
            row = self.book.get(change)
        except NotFoundError:
            row = KnowledgeChange(id=change, state=State.SUPERSEDED)
        if row.state == State.CHECKING:
            return self._check(row, done)
        if row.state == State.APPROVED:
            return self._release(row, done)
        with self.book.database.transaction() as session:
            done(session)
        return State(row.state)

    def sign(self, change: str, publisher: Publisher | None = None) -> State:
        """Publish the brick of a change whose keys were not at hand; they are the publisher's.

        Raises:
            NotFoundError: there is no such change.
            ChangeBlockedError: it waits for no signature, or too few keys are at hand.
        """
        row = self.book.require(change, {State.SIGNING}, None)
        if not (publisher or self._publisher).publish(self.shop, row.brick or ""):
            raise ChangeBlockedError(
                "Too few keys are at hand, or there is no repository.",
                remedy=f"`caretier bricks publish {row.brick}` with the keys of its level.",
            )
        return self.book.move(row, State.PUBLISHED)

    def sweep(self) -> int:
        """Delete files of snapshots and candidates that nobody needs; return the bytes freed."""
        rows = [row for one in self.catalogue.sources for row in self.book.listing(one.id, SHOWN)]
        rows += self.book.live()
        self.candidates.sweep({row.candidate for row in rows if row.candidate})
        return self.fetcher.shelf.sweep(self._needed)

    def _needed(self) -> list[Part]:
        parts: list[Part] = []
        for source in self.catalogue.sources:
            live = {row.snapshot for row in self.book.live(source.id)}
            for number, held in enumerate(self.book.snapshots(source.id)):
                if number < self.catalogue.limits.keep or held.digest in live:
                    parts += held.parts
        return parts

    def _check(self, row: KnowledgeChange, done: Done) -> State:
        try:
            source = self.catalogue.of(row.source)
            snapshot = self.book.snapshot(row.source, row.snapshot)
            found = self._look(source, row, snapshot)
        except (SourceRefusedError, BrickError, NotFoundError) as error:
            return self.book.move(row, State.FAILED, done, error=error.message[:ERROR_CHARS])
        if found.candidate is None:
            self.book.drop(row, done)
            return State.SUPERSEDED
        to = State.WAITING if found.holds else State.QUARANTINED
        return self.book.move(row, to, done, **found.values)

    def _look(self, source: Listed, row: KnowledgeChange, snapshot: Snapshot) -> Checked:
        if source.becomes == "knowledge":
            last = self.book.last(source.id, State.REFUSED, State.SIGNING, State.PUBLISHED)
            refused = last is not None and last.state == State.REFUSED
            words = self._said(last).get("words") if refused else None
            return self._checking(row, snapshot, words)
        last = self.book.last(source.id, State.NOTED, State.REFUSED)
        seen = self._said(last).get("keys", [])
        shelf = self.fetcher.shelf
        return check_notices(source, snapshot, shelf, self.candidates, seen)

    def _said(self, row: KnowledgeChange | None) -> dict[str, Any]:
        """The report of a change; empty where it is gone."""
        try:
            return self.candidates.report(row.candidate) if row and row.candidate else {}
        except BrickError:
            return {}

    def _release(self, row: KnowledgeChange, done: Done) -> State:
        try:
            source = self.catalogue.of(row.source)
            ref = make_brick(self.shop, self.candidates, source, row).ref
        except (ChangeBlockedError, BrickError, NotFoundError) as error:
            return self.book.move(row, State.FAILED, done, error=error.message[:ERROR_CHARS])
        said = None
        try:
            signed = self._publisher.publish(self.shop, ref)
        except BrickError as error:  # the brick is there: a person sees to its publication
            signed, said = False, error.message[:ERROR_CHARS]
        to = State.PUBLISHED if signed else State.SIGNING
        return self.book.move(row, to, done, brick=ref, error=said)
