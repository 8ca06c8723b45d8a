"""Routes ``/v1/experts`` and ``/v1/gate/explain``: push, pop, and why one would be chosen."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, ConfigDict, Field

from services.bricks.manifest import BrickId, BrickRef
from services.experts.gate import Choice
from services.experts.registry import Experts

MOST_CHARS = 8_000
Audit = Callable[[Any, str, Literal["pushed", "popped"]], None]
"""Writes down who changes which expert, and how."""


class PushRequest(BaseModel):
    """Which version of the brick to push; the highest one in the store when it is left out."""

    model_config = ConfigDict(extra="forbid")

    brick: BrickRef | None = None


class ExplainRequest(BaseModel):
    """A question for the gate; nothing answers it."""

    model_config = ConfigDict(extra="forbid")

    text: str = Field(min_length=1, max_length=MOST_CHARS)


def experts_router(
    experts: Experts,
    plan: Callable[[str], Awaitable[Sequence[Choice]]],
    *,
    operate: Callable[..., Any],
    ask: Callable[..., Any],
    audit: Audit,
) -> APIRouter:
    """The API of experts.

    Args:
        experts: the registry.
        plan: what the gate says of a question.
        operate: FastAPI dependency that lets operators in, and returns who it is.
        ask: the same for those who may have the gate explained.
        audit: called before an expert is pushed or popped; when it raises, nothing changes.
    """
    router = APIRouter(prefix="/v1", tags=["experts"])
    Operator = Annotated[Any, Depends(operate)]  # noqa: N806 - a type
    Name = Annotated[BrickId, Path()]  # noqa: N806 - a type

    @router.get("/experts")
    def listing(_who: Operator) -> dict[str, Any]:
        """Every expert that is pushed, and why one is not in place."""
        return {"experts": [expert.card() for expert in experts.all()]}

    @router.put("/experts/{name}")
    async def push(name: Name, who: Operator, wanted: PushRequest | None = None) -> dict[str, Any]:
        """Push a brick of the store, or another version in the place of the one that is pushed."""
        ref = (wanted and wanted.brick) or name
        await run_in_threadpool(audit, who, ref, "pushed")
        return (await experts.push(ref, name)).card()

    @router.delete("/experts/{name}")
    async def pop(name: Name, who: Operator) -> dict[str, Any]:
        """Take an expert away: at once for new requests, from the engine after the last one."""
        await run_in_threadpool(audit, who, name, "popped")
        return (await experts.pop(name)).card()

    @router.post("/gate/explain", dependencies=[Depends(ask)])
    async def explain(question: ExplainRequest) -> dict[str, Any]:
        """Which expert the gate would choose for each part of a question, and why."""
        return {"parts": [asdict(choice) for choice in await plan(question.text)]}

    return router
