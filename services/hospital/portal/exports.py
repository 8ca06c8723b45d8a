"""A person's whole record, given out on their request by the privacy officer: FHIR, or to read."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Request, Response

from compliance.access.takeout import as_page
from compliance.errors import NotFoundError
from services.hospital.models import User
from services.hospital.portal.access import REVIEWERS
from services.hospital.portal.errors import NoSuchPatientError
from services.hospital.portal.pages import Portal


def export_pages(
    router: APIRouter, portal: Portal, export: Callable[[User, str, str | None], dict[str, Any]]
) -> None:
    """Add the download of a person's record."""

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
