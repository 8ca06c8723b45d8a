"""A person's whole record, given out on their request by the privacy officer: FHIR, or to read."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response

from compliance.access.takeout import as_page
from compliance.errors import NotFoundError
from services.hospital.chart import Charts
from services.hospital.models import User
from services.hospital.portal.access import REVIEWERS
from services.hospital.portal.errors import NoSuchPatientError
from services.hospital.portal.pages import Portal, see
from services.hospital.portal.texts import clean

MAX_NUMBER_CHARS = 100


def export_pages(
    router: APIRouter,
    portal: Portal,
    charts: Charts,
    export: Callable[[User, str, str | None], dict[str, Any]],
) -> None:
    """Add the download of a person's record, and the way to it by number."""

    @router.post("/export")
    def find(
        request: Request,
        csrf: Annotated[str, Form()] = "",
        number: Annotated[str, Form()] = "",
        form: Annotated[str, Form()] = "html",
    ) -> Response:
        """Go on to the record of the person with this number."""
        portal.gate.let_change(request, csrf, REVIEWERS)
        found = charts.find(clean(number[:MAX_NUMBER_CHARS]).strip())
        if found is None:
            raise NoSuchPatientError("There is no such patient.")
        return see(f"/portal/export/{found}?form={'json' if form == 'json' else 'html'}")

    @router.get("/export/{id_}")
    def take(request: Request, id_: str, form: str = "html") -> Response:
        """The record of one Patient as a file: ``form=json`` is a FHIR Bundle."""
        who = portal.gate.let(request, REVIEWERS)
        try:
            bundle = export(who.user, id_, who.client)
        except NotFoundError:
            raise NoSuchPatientError("There is no such patient.") from None
        readable = form != "json"
        if readable:
            body = as_page(bundle, portal.pages.language(request))
        else:
            body = json.dumps(bundle, ensure_ascii=False)
        name = "caretier-export.html" if readable else "caretier-export.json"
        headers = {
            "Cache-Control": "no-store",
            "Content-Disposition": f'attachment; filename="{name}"',
        }
        kind = "text/html; charset=utf-8" if readable else "application/fhir+json; charset=utf-8"
        return Response(body, media_type=kind, headers=headers)
