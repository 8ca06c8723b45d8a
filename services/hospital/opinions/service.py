"""Second opinions on referrals: who may be asked, asking them, and what they last said."""

from __future__ import annotations

from asyncio import to_thread
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Literal

from sqlalchemy import delete
from sqlalchemy.orm import Session

from services.consult.ground import Material
from services.consult.messages import Triage, Urgency
from services.consult.node import Node
from services.engines.protocol import Authoring
from services.experts import Expert, Experts
from services.hospital.audited import Caller
from services.hospital.desk import Desk, DeskItem, is_open
from services.hospital.errors import NotAllowedError
from services.hospital.gateway.slots import Slots
from services.hospital.models import ReferralOpinions, User
from services.hospital.notices import notify
from services.hospital.opinions.asking import Asking
from services.hospital.opinions.compare import compare, verdict_of
from services.hospital.opinions.material import given_to, material_of
from services.hospital.opinions.round import Began, Opinion, Round, of_draft
from services.hospital.opinions.together import together
from services.hospital.opinions.turns import MOST, PATIENCE, Turns
from services.store.database import Database

SECONDS = 45.0
"""That an expert has from its turn on."""
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
        slots: of everybody at the engine; None: without waiting for others.
        seconds: that an expert has from its turn on; patience: that it waits for its turn.
    """

    node: Callable[[], Node]
    experts: Experts
    audit: Audit
    slots: Slots | None = None
    seconds: float = SECONDS
    patience: float = PATIENCE


class Opinions:
    """Asks the hospital's experts about referrals.

    Args:
        database: of the hospital.
        desk: seals and opens a referral's texts.
        around: what they stand on.
    """

    def __init__(self, database: Database, desk: Desk, around: Around) -> None:
        self._database, self._desk, self._around = database, desk, around
        self._turns = Turns(around.slots, around.patience)

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
    ) -> AsyncGenerator[Began | Opinion | Round, None]:
        """Yield who begins, each opinion as it comes, and the round at last.

        Closing it cancels those that have not answered, and keeps nothing.

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
            first = await to_thread(material_of, node, item)
            reason = first.reason
            if reason is None:
                async with aclosing(self._asked(node, item, first, user, experts)) as coming:
                    async for one in coming:
                        told += [one] if isinstance(one, Opinion) else []
                        yield one
        yield await to_thread(self._keep, item, user, urgency, reason, told)

    async def _asked(
        self, node: Node, item: DeskItem, first: Material, user: User, experts: tuple[Expert, ...]
    ) -> AsyncGenerator[Began | Opinion, None]:
        """Who begins and what each says, in the order in which it comes."""
        engine = node.engine
        if engine is None:
            return
        _, drafter = node.known
        around = self._around
        asking = Asking(
            drafter,
            engine,
            item.question.text,
            turns=self._turns,
            key=user.id,
            seconds=around.seconds,
        )
        given = await to_thread(given_to, node, item, first, experts)
        asks = {one.id: partial(asking.one, one, around.experts, given[one.id]) for one in experts}
        by_id = {one.id: one for one in experts}
        broken = partial(asking.opinion, trouble="failed")
        async with aclosing(together(asks, lambda id_: broken(by_id[id_]))) as coming:
            async for one in coming:
                yield one

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
        with self._database.transaction() as session:
            if is_open(session, item.id):  # if it is not any more, it is shown all the same
                session.merge(row)
                notify(session, user.id, "opinion-ready", item.id)
        return made


def _rank(triage: Triage) -> int:
    return list(Urgency).index(triage.level)
