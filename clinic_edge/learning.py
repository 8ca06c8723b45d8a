"""The clinic learns: it trains on its own signals, sends what came of it, and can take it back."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Protocol

from sqlalchemy.orm import Session

from clinic_edge.settings import ClinicSettings
from compliance.audit import Agent
from compliance.audit.acts import Actors, export
from compliance.errors import CaretierError, NotFoundError
from compliance.sealing import IdentityKey, IdentityPublic
from services.bricks.errors import BrickError, BrickUnknownError
from services.bricks.store import BrickStore
from services.engines.torch_side import Say
from services.exchange.contributions import ContributionLine
from services.exchange.errors import LinkDownError, NotAuthenticatedError
from services.exchange.intake import APPLICATION
from services.learning.contribution import ContributionManifest
from services.learning.errors import ContributionRefusedError
from services.learning.policy import POLICY, Policy
from services.learning.rounds.acts import decided
from services.learning.rounds.standing import Standing
from services.learning.train.learner import Learner
from services.learning.train.limits import Limits
from services.learning.train.material import mark_unused
from services.learning.train.outbox import Held
from services.learning.train.plan import Plan
from services.store.database import Database

_LOG = logging.getLogger("caretier.clinic.learning")
PURPOSE = "HQUALIMP"
"""Code of v3-ActReason: health quality improvement."""


class Trail(Protocol):
    """Writes audit events; raises AuditError where it cannot."""

    def record(self, event: dict[str, object]) -> object:
        """Write one down."""
        ...


class ClinicLearning:
    """Trains, sends, takes back.

    Args:
        settings: of this node.
        database: with its signals.
        identity: key of this node.
        trail: of this node.
        hospital: its identity, None before enrolment.
    """

    def __init__(
        self,
        settings: ClinicSettings,
        database: Database,
        identity: IdentityKey,
        trail: Trail,
        hospital: Callable[[], IdentityPublic | None],
    ) -> None:
        self._settings, self._database, self._identity = settings, database, identity
        self._trail, self._hospital = trail, hospital

    @cached_property
    def learner(self) -> Learner:
        """What trains; its tables are made on first use."""
        self._database.migrate("services.learning")
        settings = self._settings
        return Learner(
            settings.data / "learning",
            self._database,
            self._identity,
            policy=Policy.load(settings.updates or POLICY),
            model=base_folder,
            store=BrickStore(settings.data / "bricks"),
            limits=Limits(busy=settings.learn_busy, on_power=settings.learn_on_power),
        )

    def standing(self, domain: str) -> Standing:
        """What contributions of a domain stand on now, as the hospital says.

        Raises:
            LinkDownError, NotAuthenticatedError: the hospital gives no answer.
            NotFoundError: it learns nothing in that domain.
        """
        for found in self._standings():
            if found.domain == domain:
                return found
        raise NotFoundError(f"The hospital learns nothing in {domain}.")

    def plan(self, domain: str) -> Plan:
        """What a training would be now."""
        return self.learner.plan(self.standing(domain))

    def learn(
        self,
        domain: str,
        say: Say = lambda _: None,
        stopped: Callable[[], bool] = lambda: False,
    ) -> ContributionManifest:
        """Train for a domain; the contribution waits to be sent. Errors as `Learner.learn`."""
        return self.learner.learn(self.standing(domain), say, stopped)

    def send(self) -> list[Held]:
        """Send what waits; returns how each ended. What could not be sent waits on.

        Raises:
            AuditError: it could not be written down, so nothing was sent.
        """
        ended: list[Held] = []
        for path in self.learner.outbox.waiting():
            with self._line() as line:
                self._record(self.learner.outbox.get(path.stem), "send")
                try:
                    line.send(path)
                except (LinkDownError, NotAuthenticatedError) as error:
                    _LOG.warning("a contribution waits: %s", error.message)
                    return ended
                except ContributionRefusedError as error:
                    _LOG.warning("a contribution was refused: %s", error.message)
                    ended.append(self.learner.refused(path.stem, error.reason))
                else:
                    ended.append(self.learner.sent(path.stem))
        return ended

    def withdraw(self, id_: str) -> Held:
        """Take a contribution back, here and at the hospital.

        Raises:
            NotFoundError: this node made none of that id.
            LinkDownError, NotAuthenticatedError: the hospital could not be told; ask again.
        """
        outbox = self.learner.outbox
        if outbox.get(id_).state != "waiting":
            with self._line() as line:
                self._record(outbox.get(id_), "withdraw")
                try:
                    line.withdraw(id_)
                except NotFoundError:
                    _LOG.info("the hospital has no such contribution any more")
        outbox.move(id_, "withdrawn")
        return outbox.get(id_)

    def unlearn(self, session: Session, made: frozenset[str]) -> None:
        """Drop contributions that wait and were made of what may not be learned from any more.

        One that was sent stays where it is: what protects it is the noise in it. The log names it,
        so that the operator may take it back too.
        """
        for id_ in sorted(made):
            try:
                state = self.learner.outbox.get(id_).state
            except NotFoundError:
                continue
            if state == "waiting":
                self.learner.outbox.move(id_, "withdrawn", "consent-withdrawn")
                mark_unused(session, id_)
            elif state == "sent":
                _LOG.warning("contribution %s was made of what is withdrawn now", id_)

    def put_right(self, what: str) -> None:
        """Write down that somebody at the shell puts right what a patient says is wrong.

        Raises:
            AuditError: it could not be written down; it must not happen.
        """
        person = Agent("person", "operator", role="operator")
        by = Actors(APPLICATION, self._settings.name, person=person, purpose=PURPOSE)
        self._trail.record(decided(by, what, "answered"))

    async def loop(self, seconds: float) -> None:
        """Send what waits and train where there is enough, every so often, until cancelled."""
        stop = threading.Event()
        try:
            while True:
                await asyncio.to_thread(self._turn, stop)
                await asyncio.sleep(seconds)
        finally:
            stop.set()

    def _turn(self, stop: threading.Event) -> None:
        try:
            self.send()
            for standing in self._standings():
                self._learn_of(standing, stop)
        except CaretierError as error:
            _LOG.info("learning: %s", error.message)
        except Exception as error:  # noqa: BLE001 - the next turn tries again
            _LOG.error("learning: %s", type(error).__name__)

    def _learn_of(self, standing: Standing, stop: threading.Event) -> None:
        """Train for one domain and send it; one that cannot be trained holds up no other."""
        try:
            if self.learner.plan(standing).reasons:
                return
            self.learner.learn(standing, _LOG.debug, stop.is_set)
        except (BrickError, BrickUnknownError) as error:  # of what it would build on
            _LOG.warning("nothing is learned in %s: %s", standing.domain, error.message)
        else:
            self.send()

    def _standings(self) -> list[Standing]:
        """Those of the domains that this node's policy has too."""
        with self._line() as line:
            told = line.standings()
        known = self.learner.domains
        return [Standing(s.domain, s.epoch, s.parent) for s in told if s.domain in known]

    @contextmanager
    def _line(self) -> Iterator[ContributionLine]:
        hospital = self._hospital()
        if hospital is None:
            raise LinkDownError(
                "This clinic is not enrolled at a hospital.",
                remedy="`caretier clinic enrol CODE` does that.",
            )
        url, peer = self._settings.hospital_url, hospital.fingerprint
        with ContributionLine(url, self._identity, peer) as line:
            yield line

    def _record(self, held: Held, what: str) -> None:
        """Write down, before it happens, that a change leaves this node or is taken back."""
        manifest = held.manifest
        by = Actors(
            APPLICATION,
            self._settings.name,
            model=Agent("model", manifest.base[:19]),
            purpose=PURPOSE,
        )
        self._trail.record(
            export(
                by,
                None,
                what=f"contribution:{manifest.id}",
                act=what,
                domain=manifest.domain,
                examples=str(manifest.examples),
                epsilon=str(manifest.privacy.epsilon),
            )
        )


def base_folder() -> Path:
    """The node's base model in Transformers' form; unpacked at the first time."""
    from services.bricks.adapters.unpack import unpack_embedded

    return unpack_embedded()
