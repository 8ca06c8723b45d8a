"""The hospital's rollout: its clinics, its signed channels, its canary questions, and the clock."""

from __future__ import annotations

import asyncio
import logging
from functools import partial

from compliance.audit.agents import Agent
from services.bricks.repository import REPOSITORY
from services.bricks.repository.repository import Repository
from services.bricks.store import BrickStore
from services.consult.messages import Level
from services.exchange.registry import Registry
from services.hospital.audited import Auditor, Caller
from services.hospital.settings import HospitalSettings
from services.learning.evaluate import Suites
from services.learning.evaluate.model import parents_file
from services.learning.policy import POLICY, Policy
from services.learning.publish import signer_of
from services.learning.rollout import Rollout
from services.learning.rollout.canaries import EngineCanaries, by_engine
from services.learning.rollout.ports import Move
from services.learning.rollout.signed import SignedChannels
from services.store.database import Database

CLOCK_SECONDS = 15.0
ITSELF = Caller(Agent("application", "caretier-rollout"))
"""Who moves a release when no person does."""
_LOG = logging.getLogger("caretier.hospital")


def rollout_of(
    settings: HospitalSettings, database: Database, registry: Registry, auditor: Auditor
) -> Rollout:
    """The rollout of this hospital, by its update policy."""
    policy = Policy.load(settings.updates or POLICY)
    learning, store = settings.data / "learning", BrickStore(settings.data / "bricks")
    channels = SignedChannels(
        Repository(settings.data / REPOSITORY),
        partial(signer_of, settings.data, settings.signing_passphrase),
    )

    def audit(what: str, move: Move, by: str | None) -> None:
        person = None if by is None else Caller.user(by, "operator")
        auditor.rollout(person or ITSELF, what, move)

    def domain_of(brick: str) -> str:
        return rollout.book.get(brick).channel.domain

    rollout = Rollout(
        database,
        policy,
        partial(clinics, registry),
        channels,
        canaries=EngineCanaries(
            Suites(settings.suites), policy, domain_of, by_engine(store, parents_file, learning)
        ),
        audit=audit,
    )
    return rollout


def clinics(registry: Registry) -> list[str]:
    """Fingerprints of the clinics that are enrolled, without revoked ones."""
    return [
        node.fingerprint
        for node in registry.nodes()
        if node.revoked is None and node.level == Level.CLINIC
    ]


async def rollout_loop(rollout: Rollout) -> None:
    """Look at releases on their way, again and again, until cancelled."""
    while True:
        try:
            await asyncio.to_thread(rollout.tick)
        except Exception as error:  # noqa: BLE001 - the next look tries again
            _LOG.error("rollout clock: %s", type(error).__name__)
        await asyncio.sleep(CLOCK_SECONDS)
