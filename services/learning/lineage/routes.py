"""Routes ``GET /v1/lineage/{asked}`` and ``GET /v1/contributions/{id}`` of a parent."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from fastapi import Path as InPath

from services.learning.intake import Sender
from services.learning.lineage.trace import Lineage

MOST_CHARS = 200
"""Of what is asked about: the longest is the name of an answer's model."""


def add_lineage(
    router: APIRouter,
    lineage: Lineage,
    operate: Callable[..., Any],
    sender: Callable[..., Awaitable[Sender]],
) -> None:
    """Add the routes of lineage.

    Args:
        router: of learning.
        lineage: answers.
        operate: dependency that lets operators in.
        sender: dependency that lets in a node or an operator.
    """
    Taker = Annotated[Sender, Depends(sender)]  # noqa: N806 - a type

    @router.get("/lineage/{asked}", dependencies=[Depends(operate)])
    def lineage_of(asked: Annotated[str, InPath(max_length=MOST_CHARS)]) -> dict[str, Any]:
        """Where a brick comes from: rounds, evidence, contributing sites by pseudonym.

        ``asked`` is ``id@version``, the name of an answer's model, the name of a brick, the digest
        of an adapter's file, or the id of a round or of a call (``x-request-id``).
        """
        return lineage.of(asked)

    @router.get("/contributions/{id_}")
    def contribution(
        id_: Annotated[str, InPath(pattern=r"^[0-9a-f-]{36}$")], by: Taker
    ) -> dict[str, Any]:
        """Where a contribution went, for the node that sent it or an operator."""
        return lineage.of_contribution(id_, by)
