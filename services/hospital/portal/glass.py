"""Emergency access: the page that asks for a reason, and the queue of those to be reviewed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response

from compliance.access import BrokenGlass
from compliance.access.breakglass import CATEGORIES, LASTS, LONGEST_REASON, SHORTEST_REASON
from compliance.errors import BadInputError
from services.hospital.accounts import SignedIn
from services.hospital.portal.access import CHART_READERS, CHARTS, REVIEWERS, REVIEWS
from services.hospital.portal.pages import Portal, see
from services.hospital.portal.texts import clean
from services.hospital.portal.trail_words import Told, told
from services.hospital.portal.views import age, stamp
from services.hospital.relations import Relations

MAX_NOTE_CHARS = 500


@dataclass(frozen=True)
class ReviewRow:
    """One emergency access in the queue, in words."""

    id: str
    who: str
    patient: str
    reason: str
    opened: datetime
    opened_text: str
    age: str
    overdue: bool
    verdict: str
    note: str
    reviewer: str
    category: str
    meanwhile: tuple[Told, ...]


def glass_form(
    portal: Portal,
    request: Request,
    who: SignedIn,
    id_: str,
    *,
    reason: str = "",
    category: str = "",
    bad: bool = False,
    bad_kind: bool = False,
) -> Response:
    """The page in place of a chart that its reader has no treatment relation to.

    Args:
        portal: the pages.
        request: that it answers.
        who: reads it.
        id_: of the Patient.
        reason: as it was typed, when it could not be taken.
        category: kind of emergency, as it was chosen.
        bad: whether the reason could not be taken.
        bad_kind: whether the kind could not.
    """
    t = portal.pages.translator(request)
    return portal.pages.render(
        request,
        "glass",
        who,
        here=f"{CHARTS}/{id_}",
        title=t("glass.title"),
        status=422 if bad or bad_kind else 403,
        current=CHARTS,
        patient=id_,
        reason=reason,
        bad=bad,
        bad_kind=bad_kind,
        category=category,
        categories=CATEGORIES,
        shortest=SHORTEST_REASON,
        longest=LONGEST_REASON,
        minutes=int(LASTS.total_seconds() // 60),
    )


def glass_pages(router: APIRouter, portal: Portal, relations: Relations) -> None:
    """Add emergency access to a chart, and its review with what was opened meanwhile."""
    gate = portal.gate
    portal.pages.glass = relations.glass

    @router.post("/patients/{id_}/emergency")
    def emergency(
        request: Request,
        id_: str,
        csrf: Annotated[str, Form()] = "",
        reason: Annotated[str, Form()] = "",
        category: Annotated[str, Form()] = "",
    ) -> Response:
        """Open one chart for a while, for a reason that is written down first."""
        who = gate.let_change(request, csrf, CHART_READERS)
        said = clean(reason[: 2 * LONGEST_REASON])
        kind = next((one for one in CATEGORIES if one == category), None)
        if kind is None:
            return glass_form(portal, request, who, id_, reason=said, bad_kind=True)
        try:
            relations.break_glass(who.user, id_, said, who.client, category=kind)
        except BadInputError:
            return glass_form(portal, request, who, id_, reason=said, category=kind, bad=True)
        return see(f"{CHARTS}/{id_}")

    @router.get("/reviews")
    def reviews(request: Request) -> Response:
        """Emergency accesses that wait for a review, and those that had one."""
        who = gate.let(request, REVIEWERS)
        t, names, now = portal.pages.translator(request), portal.names(), datetime.now(UTC)

        def shown(one: BrokenGlass) -> ReviewRow:
            return ReviewRow(
                id=one.id,
                who=names.get(one.user, t("referral.somebody")),
                patient=f"Patient/{one.patient}",
                reason=one.reason,
                opened=one.opened,
                opened_text=stamp(one.opened),
                age=age(one.opened, now, t),
                overdue=one.overdue(now),
                verdict=one.verdict or "",
                note=one.note or "",
                reviewer=names.get(one.reviewer or "", t("referral.somebody")),
                category=one.category or "",
                meanwhile=tuple(told(event, names, t) for event in portal.pages.opened(one)),
            )

        return portal.pages.render(
            request,
            "reviews",
            who,
            here=REVIEWS,
            title=t("reviews.title"),
            waiting=[shown(one) for one in relations.waiting()],
            done=[shown(one) for one in relations.reviewed()],
        )

    @router.post("/reviews/{id_}")
    def review(
        request: Request,
        id_: str,
        csrf: Annotated[str, Form()] = "",
        verdict: Annotated[str, Form()] = "",
        note: Annotated[str, Form()] = "",
    ) -> Response:
        """Say whether an emergency access was justified."""
        who = gate.let_change(request, csrf, REVIEWERS)
        said = clean(note[:MAX_NOTE_CHARS])
        relations.review(id_[:36], who.user, verdict, said, client=who.client)
        return see(REVIEWS)
