"""Second opinions on referrals: who may be asked, asking them, and what they last said."""

from __future__ import annotations

import asyncio
from asyncio import to_thread
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from sqlalchemy import delete
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from services.consult.ground import Material
from services.consult.messages import Question, Triage, Urgency
from services.consult.node import Node
from services.engines.protocol import Authoring
from services.experts import Expert, Experts
from services.hospital.audited import Caller
from services.hospital.desk import Desk, DeskItem
from services.hospital.errors import NotAllowedError
from services.hospital.gateway.slots import Slots
from services.hospital.models import ReferralOpinions, User
from services.hospital.notices import notify
from services.hospital.opinions.asking import Asking
from services.hospital.opinions.compare import compare, verdict_of
from services.hospital.opinions.round import Opinion, Round, of_draft
from services.store.database import Database

MOST = 6
"""Experts asked at once."""
SECONDS = 60.0
"""That an expert has for its opinion, waiting for a slot included."""
Reason = Literal["engine", "authoring", "experts"]
"""Why nobody else can be asked: no expert is pushed, no engine runs, or its words are not used."""
Audit = Callable[[Caller, str, str], None]
"""Writes down who asks, about which referral, which model."""


@dataclass(frozen=True)
class Around:
    """What opinions stand on.

    Attributes:
        node: gives the consult path.
        experts: that are pushed.
        audit: called for every expert before it is asked.
        slots: at the engine; None: without waiting.
        seconds: that an expert has.
    """

    node: Callable[[], Node]
    experts: Experts
    audit: Audit
    slots: Slots | None = None
    seconds: float = SECONDS


class Opinions:
    """Asks the hospital's experts about referrals.

    Args:
        database: of the hospital.
        desk: seals and opens a referral's texts.
        around: what they stand on.
    """

    def __init__(self, database: Database, desk: Desk, around: Around) -> None:
        self._database, self._desk, self._around = database, desk, around

    def experts(self) -> tuple[Expert, ...]:
        """Who would be asked; nobody where `why` says something."""
        return () if self.why() else self._around.experts.ready()[:MOST]

    def why(self) -> Reason | None:
        """Why there is no second opinion to be had here; None where there is."""
        if not self._around.experts.ready():
            return "experts"
        engine = self._around.node().engine
        if engine is None:
            return "engine"
        return "authoring" if engine.card.authoring is Authoring.NONE else None

    async def ask(
        self, item: DeskItem, user: User, client: str | None
    ) -> AsyncGenerator[Opinion | Round, None]:
        """Yield each opinion as it comes, and the round at last; closing it cancels the rest.

        Raises:
            NotAllowedError: there is nobody to ask, or the referral was answered.
            AuditError: it could not be written down; nobody was asked.
        """
        experts = self.experts()
        if not experts or item.state != "open":
            raise NotAllowedError("There is no other expert to ask about this referral.")
        node = self._around.node()
        triage = await to_thread(node.triage.assess, item.question.text, item.question.person)
        urgency = min((triage, Triage(level=Urgency(item.urgency))), key=_rank).level
        told: list[Opinion] = []
        reason = None
        if urgency is not Urgency.EMERGENCY:
            caller = Caller.user(user.id, user.role, client)
            for expert in experts:
                await to_thread(self._around.audit, caller, item.id, expert.ref)
            material = await to_thread(_material, node, item)
            reason = material.reason
            if reason is None:
                async with aclosing(self._asked(node, item, material, user, experts)) as coming:
                    async for opinion in coming:
                        told.append(opinion)
                        yield opinion
        yield await to_thread(self._keep, item, user, urgency, reason, told)

    async def _asked(
        self,
        node: Node,
        item: DeskItem,
        material: Material,
        user: User,
        experts: tuple[Expert, ...],
    ) -> AsyncGenerator[Opinion, None]:
        """Opinions in the order in which they come."""
        engine = node.engine
        if engine is None:
            return
        _, drafter = node.known
        asking = Asking(drafter, engine.card, item.question.text, material.quotes)
        around = self._around
        tasks = [
            asyncio.create_task(
                asking.one(expert, around.experts, around.slots, user.id, around.seconds)
            )
            for expert in experts
        ]
        try:
            for done in asyncio.as_completed(tasks):
                yield await done
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def last(self, referral: str) -> Round | None:
        """What was said when experts were last asked about a referral."""
        with self._database.reading() as session:
            row = session.get(ReferralOpinions, referral)
        if row is None:
            return None
        return Round.model_validate_json(self._desk.open(referral, "opinions", row.told))

    def attach(self, desk: Desk) -> None:
        """Drop what experts said in the transaction that signs a reply."""
        before = desk.on_signed

        def signed(session: Session, referral: str) -> None:
            before(session, referral)
            session.execute(delete(ReferralOpinions).where(ReferralOpinions.referral == referral))

        desk.on_signed = signed

    def _keep(
        self,
        item: DeskItem,
        user: User,
        urgency: Urgency,
        reason: str | None,
        told: list[Opinion],
    ) -> Round:
        """Set the opinions against one another, and keep the round; an older one goes."""
        drafted = of_draft(item) if told else None
        named = sorted(told, key=lambda one: one.by)
        opinions = (*([drafted] if drafted else []), *named)
        findings = compare(opinions)
        made = Round(
            asked=datetime.now(UTC),
            by=user.id,
            urgency=urgency,
            reason=reason,
            opinions=opinions,
            findings=findings,
            verdict=verdict_of(opinions, findings),
        )
        sealed = self._desk.seal(item.id, "opinions", made.model_dump_json())
        row = ReferralOpinions(referral=item.id, told=sealed, asked_by=user.id, asked=made.asked)
        try:
            with self._database.transaction() as session:
                session.merge(row)
                notify(session, user.id, "opinion-ready", item.id)
        except (
            IntegrityError
        ):  # withdrawn meanwhile, or two asked at once: it is shown all the same
            return made
        return made


def _material(node: Node, item: DeskItem) -> Material:
    """The material of the consult, chosen once for all experts."""
    asked = item.question
    grounder, _ = node.known
    question = Question(
        id=asked.referral,
        text=asked.text,
        person=asked.person,
        history=asked.history,
        facts=asked.facts,
        asked=datetime.now(UTC).date(),
    )
    return grounder.ground(question, asked.facts)


def _rank(triage: Triage) -> int:
    return list(Urgency).index(triage.level)
