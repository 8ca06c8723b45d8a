"""``POST /v1/advise``: which model fits a need and a machine; ``GET /v1/advise/catalogue``."""

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

from fastapi import APIRouter, Depends
from fastapi.concurrency import run_in_threadpool

from services.advisor.advise import advise
from services.advisor.catalogue import Catalogue
from services.advisor.need import Tree
from services.advisor.report import advice_json, model_json
from services.advisor.wish import Wish
from services.bricks.manifest import BrickManifest
from services.bricks.retrieval import Embeds


def advisor_router(
    embedder: Callable[[], Embeds],
    bricks: Callable[[], Iterable[BrickManifest]],
    operate: Callable[..., Any],
) -> APIRouter:
    """Routes of the advisor; both are for operators.

    Args:
        embedder: finds the domain of a need in words; asked for when the first need comes.
        bricks: of the node, to name those that belong to a need.
        operate: FastAPI dependency that raises for who is no operator.
    """
    router = APIRouter(prefix="/v1/advise", tags=["advisor"], dependencies=[Depends(operate)])
    tree = cache(lambda: Tree(embedder().encode))

    def found(wish: Wish) -> dict[str, Any]:
        return advice_json(advise(wish, tree=tree() if wish.need else None, bricks=bricks()))

    @router.post("")
    async def recommend(wish: Wish) -> dict[str, Any]:
        """Rank the models for a need; the first time, this machine's pace is measured."""
        return await run_in_threadpool(found, wish)

    @router.get("/catalogue")
    def known() -> dict[str, Any]:
        """Every model that is known, with what is known of it."""
        catalogue = Catalogue.load()
        return {
            "reviewed": catalogue.reviewed.isoformat(),
            "models": [model_json(m) for m in catalogue.models],
        }

    return router
