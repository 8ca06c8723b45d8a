"""Route ``POST /v1/measures``: what nodes counted, by signed calls; numbers alone."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from services.learning.rollout.measures import Report
from services.learning.rollout.service import Rollout

MOST_REPORTS = 200
"""In one call: what a node counted in two days of quarter hours."""


class Reports(BaseModel):
    """Windows of a node, each with what was in use."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reports: tuple[Report, ...] = Field(min_length=1, max_length=MOST_REPORTS)


class Counted(BaseModel):
    """How many of the windows count, and whether the node is to look at its channels now.

    The latter is a hint, and signed by nobody: what a node takes stands in the channels.
    """

    counted: int
    look: bool = False


def measures_router(rollout: Rollout, node: Callable[..., Awaitable[str]]) -> APIRouter:
    """The API of measures.

    Args:
        rollout: of the hospital.
        node: dependency that gives the fingerprint of an enrolled node.
    """
    router = APIRouter(prefix="/v1", tags=["learning"])

    @router.post("/measures")
    def measures(told: Reports, sender: Annotated[str, Depends(node)]) -> Counted:
        """Take windows; sending one again replaces it."""
        counted = sum(
            rollout.observe(
                sender,
                report.measures,
                release=f"{report.brick}@{report.version}",
                since=report.since,
            )
            for report in told.reports
            if rollout.knows(report.brick)
        )
        last = {report.brick: report.version for report in told.reports}
        return Counted(counted=counted, look=rollout.has_news(sender, last))

    return router
