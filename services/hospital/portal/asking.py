"""Questions that a clinician puts to one person's chart, answered from its entries alone."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response

from services.hospital.accounts import SignedIn
from services.hospital.chart import Charts
from services.hospital.chart.questions import MAX_CHARS
from services.hospital.portal.access import CHART_READERS
from services.hospital.portal.histories import ChartPage
from services.hospital.portal.pages import Portal
from services.hospital.portal.texts import clean


class AskingPages:
    """A room of the portal: asking a chart.

    Questions come as a form and never in an address; they are kept nowhere. Each is a reading of
    the chart in the audit trail.

    Args:
        charts: of the hospital.
    """

    def __init__(self, charts: Charts) -> None:
        self._charts = charts

    def __call__(self, pages: APIRouter, _api: APIRouter, portal: Portal) -> None:
        """Add the page and its form."""
        gate = portal.gate

        def page(request: Request, who: SignedIn, id_: str, question: str, before: str) -> Response:
            return ChartPage(portal, request, who, id_).of(
                "ask",
                partial(self._charts.ask, question=question, before=before),
                lambda found: {"asked": found},
                words=("reply",),
            )

        @pages.get("/patients/{id_}/ask")
        def form(request: Request, id_: str) -> Response:
            """The form, with what this record could be asked."""
            return page(request, gate.let(request, CHART_READERS), id_, "", "")

        @pages.post("/patients/{id_}/ask")
        def ask(
            request: Request,
            id_: str,
            csrf: Annotated[str, Form()] = "",
            question: Annotated[str, Form()] = "",
            before: Annotated[str, Form()] = "",
        ) -> Response:
            """The form with the answer above it."""
            who = gate.let_change(request, csrf, CHART_READERS)
            said = [" ".join(clean(one[:MAX_CHARS]).split()) for one in (question, before)]
            return page(request, who, id_, said[0], said[1])
