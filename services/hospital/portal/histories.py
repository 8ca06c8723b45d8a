"""A person's results as curves and a person's years as a timeline, beside the chart's summary."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from compliance.errors import NotFoundError
from services.consult.record.results import number_text
from services.hospital.accounts import SignedIn
from services.hospital.chart import Charts
from services.hospital.chart.years import KINDS, Kind, Shown
from services.hospital.errors import NoRelationError
from services.hospital.portal.access import CHART_READERS, CHARTS
from services.hospital.portal.errors import NoSuchPatientError
from services.hospital.portal.glass import glass_form
from services.hospital.portal.pages import Portal
from services.web.curves import HEIGHT, LEFT, WIDTH, curve

YEAR_CHARS = 4
TITLES = {"resource": "chart_resource", "documents": "chart_documents", "ask": "chart_asking"}
"""Sections of the catalogue with the title of a page, where they are not called like it."""
Opening = Callable[..., tuple[Any, Any]]
"""A way of opening a chart; gives who it is and what was asked for."""


def history_pages(router: APIRouter, portal: Portal, charts: Charts) -> None:
    """Add the pages; each opening is written to the audit trail before anything is read."""
    gate = portal.gate

    @router.get("/patients/{id_}/trends")
    def trends(request: Request, id_: str) -> Response:
        """The results of each test over time, with the reference range of the newest."""
        who = gate.let(request, CHART_READERS)
        page = ChartPage(portal, request, who, id_)
        return page.of(
            "trends",
            charts.trends,
            lambda found: {
                "curves": [curve(one, number_text) for one in found.tests],
                "older": found.older,
            },
            width=WIDTH,
            height=HEIGHT,
            left=LEFT,
        )

    @router.get("/patients/{id_}/timeline")
    def timeline(
        request: Request,
        id_: str,
        kind: Annotated[str, Query()] = "",
        year: Annotated[str, Query()] = "",
    ) -> Response:
        """What happened in one year, all of it or one kind."""
        who = gate.let(request, CHART_READERS)
        page = ChartPage(portal, request, who, id_)
        opening = partial(charts.timeline, shown=_shown(kind, year))
        return page.of("timeline", opening, lambda found: {"held": found}, kinds=KINDS)


def _shown(kind: str, year: str) -> Shown:
    """What the address asks for; what it does not understand asks for everything."""
    known: Kind | None = next((one for one in KINDS if one == kind), None)
    whole = len(year) == YEAR_CHARS and year.isascii() and year.isdigit()
    return Shown(known, int(year) if whole else None)


class ChartPage:
    """A part of one person's chart, in the reader's language."""

    def __init__(self, portal: Portal, request: Request, who: SignedIn, id_: str) -> None:
        self._portal, self._request, self._who, self._id = portal, request, who, id_

    def of(
        self,
        name: str,
        opening: Opening,
        content: Callable[[Any], dict[str, Any]],
        *,
        missing: type[NotFoundError] = NoSuchPatientError,
        path: str = "",
        **more: Any,
    ) -> Response:
        """Open and draw; who does not treat the person is asked whether this is an emergency.

        Args:
            name: of the template, and of its title among the words.
            opening: reads what is shown, after writing it down.
            content: the context of what was read.
            missing: what is said where there is nothing such.
            path: of the page below the person's chart; ``name`` where it is empty.
            more: context besides.

        Raises:
            NotFoundError: there is no such person, or nothing such of theirs: ``missing``.
        """
        pages, request, who = self._portal.pages, self._request, self._who
        t = pages.translator(request)
        try:
            person, found = opening(pages.reader(request, who), self._id)
        except NotFoundError:
            raise missing("There is nothing such in this record.") from None
        except NoRelationError:
            return glass_form(self._portal, request, who, self._id)
        return pages.render(
            request,
            name,
            who,
            here=f"{CHARTS}/{self._id}/{path or name}",
            title=t(f"{TITLES.get(name, name)}.title"),
            current=CHARTS,
            person=person,
            patient=self._id,
            part=name,
            **content(found),
            **more,
        )
