"""The sources of a hospital's data folder: for the hospital itself, and for commands beside it."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

from compliance.audit import AuditTrail
from compliance.audit.actors import Actors
from compliance.audit.agents import Agent
from compliance.errors import NotFoundError
from services.bricks.operations.workshop import Say, Workshop
from services.bricks.retrieval import Embeds
from services.bricks.serving import ActiveKnowledge
from services.bricks.store import BrickStore
from services.engines.embed import Embedder
from services.engines.settings import models_folder
from services.learning.publish import signer_of
from services.learning.sources.acts import Act, decided
from services.learning.sources.book import AddJob, no_jobs
from services.learning.sources.catalogue import SOURCES, Listed, SourceList
from services.learning.sources.fetch import Fetcher
from services.learning.sources.protected import PROTECTED, protected_questions
from services.learning.sources.release import RepositoryPublisher
from services.learning.sources.service import Sources
from services.learning.sources.snapshot import Shelf
from services.store.database import Database
from services.web.outbound import Outbound, OutboundRefusedError, origin_of

_NAME = "Sandbox hospital"


def open_sources(
    data: Path,
    database: Database,
    outbound: Outbound,
    *,
    listed: Path | None = None,
    private: bool = False,
    passphrase: Path | None = None,
    embedder: Callable[[], Embeds] = Embedder.load,
    add_job: AddJob = no_jobs,
    say: Say = lambda _line: None,
) -> Sources:
    """The sources of a hospital.

    Args:
        data: the hospital's folder.
        database: with learning's tables.
        outbound: knows the origins that the operator listed.
        listed: the hospital's own list of sources; the one here when None.
        private: whether origins may be in a private network.
        passphrase: file with that of the keys that sign.
        embedder: gives the embedding model.
        add_job: adds the job of a step.
        say: is told of progress.

    Raises:
        BadInputError: the list is not as it has to be.
    """
    folder, store = data / "learning" / "sources", BrickStore(data / "bricks")
    shop = Workshop(store, embedder, cache=models_folder() / "knowledge", say=say)
    catalogue = SourceList.load(listed or SOURCES)
    asked = (listed or SOURCES).with_name(catalogue.protected) if catalogue.protected else PROTECTED
    return Sources(
        database,
        catalogue,
        folder,
        Fetcher(Shelf(folder), partial(_way, outbound, private), say=say),
        shop,
        in_use=lambda: ActiveKnowledge.of_folder("hospital", store.folder).load().topics,
        publisher=RepositoryPublisher(data, partial(signer_of, data, passphrase)),
        allowed=partial(_allowed, outbound),
        protected=protected_questions(asked),
        add_job=add_job,
    )


def _first(source: Listed) -> str:
    """An address of a source."""
    return next(source.addresses(dt.datetime.now(dt.UTC).date()))[1]


def _allowed(outbound: Outbound, source: Listed) -> bool:
    """Whether the operator let a source be called."""
    try:
        outbound.check(_first(source))
    except OutboundRefusedError:
        return False
    return True


def _way(outbound: Outbound, private: bool, source: Listed) -> Outbound:
    """The one way out to a source: its own origin and no other, once the operator listed it.

    Raises:
        OutboundRefusedError: the operator did not.
    """
    address = _first(source)
    try:
        outbound.check(address)
    except OutboundRefusedError:
        raise OutboundRefusedError(
            "Its origin is not among those that CARETIER_HOSPITAL_OUTBOUND lists."
        ) from None
    return Outbound([origin_of(address)], private=private)


class BesideSources:
    """A hospital's sources for whoever runs commands on its machine.

    Args:
        data: folder of all state; the hospital's is below it.
        say: is told of progress.

    Raises:
        NotFoundError: there is no hospital.
    """

    def __init__(self, data: Path, say: Say) -> None:
        self._folder = data / "hospital"
        url = _setting("DATABASE")
        if url is None and not (self._folder / "hospital.db").is_file():
            raise NotFoundError(
                f"There is no hospital in {data}.", remedy="Name its folder with --data."
            )
        self.database = Database(url or f"sqlite:///{self._folder}/hospital.db")
        self.database.migrate("services.learning")
        origins = [one.strip() for one in (_setting("OUTBOUND") or "").split(",") if one.strip()]
        private = (_setting("OUTBOUND_PRIVATE") or "").lower() in {"1", "true", "yes", "on"}
        listed, passphrase = _setting("SOURCES"), _setting("SIGNING_PASSPHRASE")
        self.sources = open_sources(
            self._folder,
            self.database,
            Outbound(origins, private=private),
            listed=Path(listed) if listed else None,
            private=private,
            passphrase=Path(passphrase) if passphrase else None,
            say=say,
        )

    def publisher(self, passphrase: Path | None) -> RepositoryPublisher:
        """Signs with the keys of the hospital's folder, opened with a passphrase."""
        return RepositoryPublisher(self._folder, partial(signer_of, self._folder, passphrase))

    def write_down(self, what: str, change: Act) -> None:
        """Write to the hospital's audit trail what is done at the shell.

        Raises:
            AuditError: it could not be written; it must not happen then.
        """
        node = _setting("NAME") or _NAME
        by = Actors(
            application=Agent("application", "caretier-command"),
            node=node,
            person=Agent("person", "operator", role="operator"),
            client="caretier-command",
            purpose="HOPERAT",
        )
        AuditTrail.open(self._folder, "hospital", node=node).record(decided(by, what, change))

    def close(self) -> None:
        """Close the database."""
        self.database.close()


def _setting(name: str) -> str | None:
    return os.environ.get(f"CARETIER_HOSPITAL_{name}") or None
