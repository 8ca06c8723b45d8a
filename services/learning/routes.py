"""Routes ``/v1/contributions``, ``/v1/rounds``, ``/v1/updates`` and ``/v1/trust`` of a parent."""

from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Request
from fastapi import Path as InPath
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, ConfigDict, Field

from services.bricks.manifest import BrickId
from services.learning.intake import ContributionDesk, Sender
from services.learning.intake.acts import Change
from services.learning.lineage import Lineage
from services.learning.lineage.routes import add_lineage
from services.learning.models import TrustEvent
from services.learning.rounds.view import detail, rehearsed, summary
from services.learning.trust import BOUND

Uuid = Annotated[str, InPath(pattern=r"^[0-9a-f-]{36}$")]
Number = Annotated[int, InPath(ge=1, le=2**31 - 1)]


@dataclass(frozen=True)
class LearningDoors:
    """Who comes in where.

    Attributes:
        node: dependency that gives the fingerprint of an enrolled node.
        receive: writes the body of a node's call to a file; gives the fingerprint.
        sender: dependency that lets in a node or an operator.
        operate: dependency that lets operators in.
        named: how the audit trail names a node that calls.
        audit: called before anything happens.
    """

    node: Callable[..., Awaitable[str]]
    receive: Callable[[Request, Path], Awaitable[str]]
    sender: Callable[..., Awaitable[Sender]]
    operate: Callable[..., Any]
    named: Callable[[Request, str], Any]
    audit: Callable[[Any, str, Change], None]


class DryRun(BaseModel):
    """Which domain to rehearse."""

    model_config = ConfigDict(extra="forbid")

    domain: BrickId


class Appeal(BaseModel):
    """What a node's people say."""

    model_config = ConfigDict(extra="forbid")

    said: str = Field(min_length=1, max_length=500)


class Decided(BaseModel):
    """Whether what took trust away still counts."""

    model_config = ConfigDict(extra="forbid")

    decision: Literal["lifted", "upheld"]


def learning_router(desk: ContributionDesk, doors: LearningDoors, lineage: Lineage) -> APIRouter:
    """The API of learning.

    Args:
        desk: takes contributions.
        doors: let callers in.
        lineage: says where something comes from, and where it went.
    """
    router = APIRouter(prefix="/v1", tags=["learning"])
    add_lineage(router, lineage, doors.operate, doors.sender)
    _contributions(router, desk, doors)
    _rounds(router, desk, doors)
    _trust(router, desk, doors)
    return router


def _contributions(router: APIRouter, desk: ContributionDesk, doors: LearningDoors) -> None:
    Taker = Annotated[Sender, Depends(doors.sender)]  # noqa: N806 - a type

    @router.get("/contributions", dependencies=[Depends(doors.node)])
    def standings() -> dict[str, Any]:
        """On what a contribution has to stand to be taken now, by domain."""
        return {"standings": desk.standings()}

    @router.post("/contributions", status_code=202)
    async def contribute(request: Request) -> dict[str, Any]:
        """Take a contribution: the body is the file. Idempotent by its id."""
        path = desk.place()
        try:
            node = await doors.receive(request, path)
            who = doors.named(request, node)
            row = await run_in_threadpool(desk.take, path, who, node)
        finally:
            path.unlink(missing_ok=True)
        return {"id": row.id, "state": row.state, "reason": row.reason}

    @router.delete("/contributions/{id_}")
    def withdraw(id_: Uuid, sender: Taker) -> dict[str, Any]:
        """Take a contribution back; what was made with it and is not out yet is made anew."""
        return asdict(desk.withdraw(id_, sender))

    @router.post("/contributions/{id_}/readmit")
    def readmit(id_: Uuid, who: Annotated[Any, Depends(doors.operate)]) -> dict[str, Any]:
        """Let a contribution that was put aside wait for a round again."""
        row = desk.readmit(id_, who)
        return {"id": row.id, "state": row.state, "reason": row.reason}


def _rounds(router: APIRouter, desk: ContributionDesk, doors: LearningDoors) -> None:
    rounds, operators = desk.rounds, [Depends(doors.operate)]

    @router.get("/rounds", dependencies=operators)
    def listing(domain: BrickId | None = None) -> dict[str, Any]:
        """Every round, newest first."""
        return {"rounds": [summary(row) for row in rounds.book.listing(domain)]}

    @router.get("/rounds/{id_}", dependencies=operators)
    def one(id_: Uuid) -> dict[str, Any]:
        """One round: criteria with what blocks, figures, contributions, what people said."""
        return detail(rounds, id_)

    @router.post("/updates/dry-run", dependencies=operators)
    def dry_run(wanted: DryRun) -> dict[str, Any]:
        """Which criterion blocks; nothing is changed."""
        return rehearsed(rounds.dry_run(wanted.domain))


def _trust(router: APIRouter, desk: ContributionDesk, doors: LearningDoors) -> None:
    Node = Annotated[str, Depends(doors.node)]  # noqa: N806 - a type
    Operator = Annotated[Any, Depends(doors.operate)]  # noqa: N806 - a type
    trust = desk.trust

    @router.get("/trust")
    def own(node: Node) -> dict[str, Any]:
        """How far the node that asks is trusted, below what it is put aside, and why."""
        events = [_told(one) for one in trust.events(node)]
        return {"trust": trust.of(node), "bound": BOUND, "events": events}

    @router.get("/trust/nodes", dependencies=[Depends(doors.operate)])
    def nodes() -> dict[str, Any]:
        """What changed the trust in every node, newest first, and the trust of each now."""
        events = trust.events()
        keys = sorted({one.key for one in events})
        told = [{"key": one.key, **_told(one)} for one in events]
        return {"trust": {key: trust.of(key) for key in keys}, "bound": BOUND, "events": told}

    @router.post("/trust/{number}/appeal")
    def appeal(number: Number, said: Appeal, node: Node, request: Request) -> dict[str, Any]:
        """Say why something should not count against this node."""
        doors.audit(doors.named(request, node), f"trust:{number}", "appealed")
        trust.appeal(node, number, said.said)
        return {"number": number}

    @router.post("/trust/{number}/decision")
    def decide(number: Number, wanted: Decided, who: Operator) -> dict[str, Any]:
        """Lift what took trust away, or let it stand."""
        return {"number": number, "trust": desk.judge(number, wanted.decision, who)}


def _told(one: TrustEvent) -> dict[str, Any]:
    return {
        "number": one.id,
        "at": one.at.isoformat(timespec="seconds"),
        "change": one.change,
        "reason": one.reason,
        "round": one.round,
        "appeal": one.appeal,
        "decided": one.decided,
    }
