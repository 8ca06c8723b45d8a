"""Sites that contribute to what models learn: how far each is trusted, and letting one in again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response

from compliance.errors import NotFoundError
from services.hospital.audited import Caller
from services.hospital.operations.nodes import NodeRow
from services.hospital.portal.access import CONTRIBUTORS, OPERATORS, UPDATES, WATCHERS
from services.hospital.portal.operations import Watched
from services.hospital.portal.pages import Portal, see
from services.hospital.portal.plots import WIDTH
from services.learning.intake import ContributionDesk
from services.learning.models import TrustEvent
from services.learning.rounds.view import dead_letters
from services.learning.trust import BOUND
from services.web.i18n import Translator

DECISIONS = ("lifted", "upheld")
DONE = frozenset({"readmitted", *DECISIONS})
DIGITS = 12
Text = Annotated[str, Form()]


@dataclass(frozen=True)
class Site:
    """One node that something was held against.

    Attributes:
        trust: from 0 to 1, and ``width`` the same in the units of a picture.
        low: what it sends is put aside.
        events: what changed its trust, the newest first.
    """

    key: str
    name: str
    trust: str
    width: float
    low: bool
    events: Sequence[TrustEvent]


class TrustPages:
    """The page, for `portal_router`.

    Args:
        desk: takes contributions, and readmits them.
        operations: knows the nodes by name.
    """

    def __init__(self, desk: ContributionDesk, operations: Watched) -> None:
        self._desk, self._operations = desk, operations

    def __call__(self, pages: APIRouter, _api: APIRouter, portal: Portal) -> None:
        """Add it, and what operators decide there."""
        _showing(pages, portal, self._desk, self._operations)
        _deciding(pages, portal, self._desk)


def _showing(pages: APIRouter, portal: Portal, desk: ContributionDesk, operations: Watched) -> None:
    @pages.get("/contributors")
    def contributors(request: Request, done: str = "") -> Response:
        """Sites with what is held against them, and contributions that were put aside."""
        who = portal.gate.let(request, WATCHERS)
        t = portal.pages.translator(request)
        found = sites(desk, operations.nodes())
        aside = dead_letters(desk.rounds)["contributions"]
        return portal.pages.render(
            request, "contributors", who, here=CONTRIBUTORS, title=t("contributors.title"),
            current=UPDATES, sites=found, aside=aside, reasons=reasons(found, aside, t),
            operates=who.user.role in OPERATORS, done=done if done in DONE else "",
            bound=f"{BOUND:.0%}", at=WIDTH * BOUND, width=WIDTH,
        )  # fmt: skip


def _deciding(pages: APIRouter, portal: Portal, desk: ContributionDesk) -> None:
    def caller(request: Request, csrf: str) -> Caller:
        who = portal.gate.let_change(request, csrf, OPERATORS)
        return Caller.user(who.user.id, who.user.role, who.client)

    @pages.post("/contributors/readmit")
    def readmit(request: Request, csrf: Text = "", contribution: Text = "") -> Response:
        """Let a contribution that was put aside wait for a round again."""
        desk.readmit(contribution[:36], caller(request, csrf))
        return see(f"{CONTRIBUTORS}?done=readmitted")

    @pages.post("/contributors/trust")
    def trust(
        request: Request, csrf: Text = "", number: Text = "", decision: Text = ""
    ) -> Response:
        """Lift what took trust from a site, or let it stand."""
        by = caller(request, csrf)
        known = number.isascii() and number.isdigit() and len(number) <= DIGITS
        if not known or decision not in DECISIONS:
            raise NotFoundError("There is no such event.")
        desk.judge(int(number), "lifted" if decision == "lifted" else "upheld", by)
        return see(f"{CONTRIBUTORS}?done={decision}")


def sites(desk: ContributionDesk, nodes: Sequence[NodeRow]) -> list[Site]:
    """Every node that something is known of, the least trusted first."""
    names = {one.key: one.name for one in nodes}
    events: dict[str, list[TrustEvent]] = {}
    for one in desk.trust.events():
        events.setdefault(one.key, []).append(one)
    trusted = {key: desk.trust.of(key) for key in events}
    return [
        Site(
            key=key,
            name=names.get(key, key[:DIGITS]),
            trust=f"{trusted[key]:.0%}",
            width=round(WIDTH * trusted[key], 1),
            low=trusted[key] < BOUND,
            events=held,
        )
        for key, held in sorted(events.items(), key=lambda one: trusted[one[0]])
    ]


def reasons(
    found: Sequence[Site], aside: Sequence[Mapping[str, str]], t: Translator
) -> dict[str, str]:
    """Each reason that is on the page, in words; one without words as it is."""
    said = {event.reason for site in found for event in site.events}
    said |= {one["reason"] or one["state"] for one in aside}
    return {one: _words(one, t) for one in said}


def _words(reason: str, t: Translator) -> str:
    try:
        return t(f"contributors.why_{reason}")
    except KeyError:
        return reason
