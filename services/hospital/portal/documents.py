"""The documents of one person's record as a list that is searched; each opens as an entry."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response

from services.hospital.accounts import SignedIn
from services.hospital.chart import Charts
from services.hospital.chart.documents import KINDS, Wanted
from services.hospital.portal.access import CHART_READERS
from services.hospital.portal.histories import ChartPage
from services.hospital.portal.pages import Portal
from services.hospital.portal.texts import clean

MAX_WORDS_CHARS = 100


class DocumentPages:
    """A room of the portal: documents of charts. Words that are searched stand in no address.

    Args:
        charts: of the hospital.
    """

    def __init__(self, charts: Charts) -> None:
        self._charts = charts

    def __call__(self, pages: APIRouter, _api: APIRouter, portal: Portal) -> None:
        """Add the list and its search."""
        gate = portal.gate

        def page(request: Request, who: SignedIn, id_: str, wanted: Wanted) -> Response:
            return ChartPage(portal, request, who, id_).of(
                "documents",
                partial(self._charts.documents, wanted=wanted),
                lambda found: {"found": found},
                kinds=KINDS,
            )

        @pages.get("/patients/{id_}/documents")
        def listed(request: Request, id_: str) -> Response:
            """All documents, the newest first."""
            return page(request, gate.let(request, CHART_READERS), id_, Wanted())

        @pages.post("/patients/{id_}/documents")
        def search(
            request: Request,
            id_: str,
            csrf: Annotated[str, Form()] = "",
            kind: Annotated[str, Form()] = "",
            words: Annotated[str, Form()] = "",
        ) -> Response:
            """Those of a kind, with some words in title, author, day or text."""
            who = gate.let_change(request, csrf, CHART_READERS)
            chosen = next((one for one in KINDS if one == kind), None)
            said = clean(words[:MAX_WORDS_CHARS]).strip()
            return page(request, who, id_, Wanted(chosen, said))
