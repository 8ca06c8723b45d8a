"""Learning at the hospital: contributions, rounds, the jobs of their steps, the clock."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool

from compliance.audit import Agent
from services.bricks.repository import REPOSITORY
from services.bricks.repository.repository import Repository
from services.bricks.store import BrickStore
from services.exchange.registry import Registry
from services.exchange.routes import NodeCaller
from services.exchange.streamed import StreamedCaller
from services.exchange.tokens import CallVerifier
from services.experts import Experts
from services.hospital.audited import Auditor, Caller
from services.hospital.jobs import JobHandler, Jobs, Taken, add_job
from services.hospital.settings import HospitalSettings
from services.learning.contribution import MAX_BYTES
from services.learning.credit import JOB as CREDIT
from services.learning.credit import Credits
from services.learning.evaluate import SuiteEvaluator, Suites
from services.learning.evaluate.model import parents_file
from services.learning.evaluate.shadow import recent_signals
from services.learning.intake import ContributionDesk, Sender
from services.learning.lineage import Lineage
from services.learning.policy import POLICY, Policy
from services.learning.publish import BrickPublisher, signer_of
from services.learning.publish.follow import Followed
from services.learning.rollout import Rollout
from services.learning.rounds import JOB, Rounds
from services.learning.rounds.opening import parents_model
from services.learning.routes import LearningDoors, learning_router
from services.learning.trust import Trust
from services.store.database import Database

CLOCK_SECONDS = 15.0
JWT_DOTS = 2
"""A node's signed call has them; a key or a session of the hospital has none."""
_LOG = logging.getLogger("caretier.hospital")


def rounds_of(
    settings: HospitalSettings,
    database: Database,
    registry: Registry,
    rollout: Rollout | None = None,
) -> Rounds:
    """The rounds of this hospital, by its update policy."""
    store = BrickStore(settings.data / "bricks")
    return Rounds(
        database,
        settings.data / "learning",
        Policy.load(settings.updates or POLICY),
        SuiteEvaluator(
            parents_file,
            Suites(settings.suites),
            settings.data / "learning",
            store=store,
            recent=recent_signals(database),
        ),
        BrickPublisher(
            Repository(settings.data / REPOSITORY),
            store,
            partial(signer_of, settings.data, settings.signing_passphrase),
            model=parents_file,
        ),
        model=parents_model,
        signer=registry.lookup,
        rollout=rollout,
        weigh=Trust(database).weigh,
        add_job=add_job,
    )


def contributions_router(
    rounds: Rounds,
    auditor: Auditor,
    verifier: CallVerifier,
    operate: Callable[[Request], Caller],
    lineage: Lineage,
) -> APIRouter:
    """The API of learning: nodes come in by signed calls, operators by session or key."""
    node = NodeCaller(verifier)

    def named(request: Request, fingerprint: str) -> Caller:
        client = request.client.host if request.client else None
        return Caller(Agent("node", fingerprint), client=client)

    async def sender(request: Request, reply: Response) -> Sender:
        _, _, token = request.headers.get("authorization", "").partition(" ")
        if token.count(".") == JWT_DOTS:
            fingerprint = await node(request, reply)
            return Sender(named(request, fingerprint), fingerprint)
        return Sender(await run_in_threadpool(operate, request), None)

    audit: Callable[[Any, str, Any], None] = auditor.contribution
    return learning_router(
        ContributionDesk(rounds, Trust(rounds.database), audit),
        LearningDoors(
            node, StreamedCaller(verifier, MAX_BYTES), sender, operate, named=named, audit=audit
        ),
        lineage,
    )


def round_handlers(rounds: Rounds, jobs: Jobs) -> dict[str, JobHandler]:
    """What does the steps of rounds; a job's fence counts how often its step was begun."""

    async def step(taken: Taken) -> None:
        await asyncio.to_thread(
            partial(
                rounds.advance,
                taken.subject.partition(".")[0],
                done=lambda session: jobs.finish(session, taken),
                attempt=taken.fence,
            )
        )

    async def credit(taken: Taken) -> None:
        round_, _, number = taken.subject.partition(".")
        more = await asyncio.to_thread(Credits(rounds, add_job).step, round_)
        with rounds.database.transaction() as session:
            if jobs.finish(session, taken) and more:  # the next one comes after all that is due
                add_job(session, CREDIT, f"{round_}.{int(number) + 1}")

    return {JOB: step, CREDIT: credit}


async def rounds_loop(rounds: Rounds) -> None:
    """Propose rounds and see how rollouts ended, again and again, until cancelled."""
    trust, credits_ = Trust(rounds.database), Credits(rounds, add_job)
    while True:
        try:
            await asyncio.to_thread(rounds.tick)
            await asyncio.to_thread(trust.settle)
            await asyncio.to_thread(credits_.schedule)
        except Exception as error:  # noqa: BLE001 - the next look tries again
            _LOG.error("rounds clock: %s", type(error).__name__)
        await asyncio.sleep(CLOCK_SECONDS)


async def followed_loop(rounds: Rounds, experts: Experts, folder: Path) -> None:
    """Let the hospital's own experts follow what is released, until cancelled."""
    followed = Followed(rounds, experts, folder)
    while True:
        try:
            await followed.follow()
        except Exception as error:  # noqa: BLE001 - the next look tries again
            _LOG.error("experts of releases: %s", type(error).__name__)
        await asyncio.sleep(CLOCK_SECONDS)
