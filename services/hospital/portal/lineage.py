"""Where a model update comes from, at the portal: down to the base model, sites by pseudonym."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request, Response

from services.hospital.portal.access import UPDATES, WATCHERS
from services.hospital.portal.pages import Portal
from services.hospital.portal.plots import WIDTH
from services.learning.lineage import Lineage
from services.learning.lineage.routes import MOST_CHARS

LINEAGE = "/portal/lineage"


@dataclass(frozen=True)
class Added:
    """What one contribution added: its interval as a line over one axis, and in words."""

    site: str
    words: str
    low: float
    mean: float
    high: float


def lineage_pages(router: APIRouter, portal: Portal, lineage: Lineage) -> None:
    """Add the page of a brick's lineage."""
    gate, pages = portal.gate, portal.pages

    @router.get("/lineage/{asked}")
    def one(request: Request, asked: str) -> Response:
        """A brick, what it stands on, the rounds and the sites; ``asked`` as for the API."""
        who = gate.let(request, WATCHERS)
        t = pages.translator(request)
        held = lineage.of(asked[:MOST_CHARS])
        return pages.render(
            request, "lineage", who, here=f"{LINEAGE}/{held['brick']}", current=UPDATES,
            title=t("lineage.title"), held=held, names=portal.names(),
        )  # fmt: skip


def credit_rows(credit: Mapping[str, Any] | None) -> tuple[Added, ...]:
    """What each contribution added, all over one axis that is symmetrical about nothing."""
    told: Sequence[Mapping[str, Any]] = credit["contributions"] if credit else ()
    there = [one for one in told if one["gain"] is not None]
    ends = [abs(float(one[key])) for one in there for key in ("low", "high")]
    reach = max([0.05, *ends]) * 1.05

    def place(value: float) -> float:
        return round(WIDTH / 2 * (1 + value / reach), 1)

    return tuple(
        Added(
            one["site"],
            f"{one['gain']:+.1%} ({one['low']:+.1%} … {one['high']:+.1%})",
            place(one["low"]),
            place(one["gain"]),
            place(one["high"]),
        )
        for one in there
    )
