"""The page of one resource that a line of a chart names, and what is attached to it."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool

from compliance.errors import NotFoundError
from services.hospital.chart import Charts
from services.hospital.chart.attachments import Content, content
from services.hospital.chart.resource import Opened
from services.hospital.portal.access import CHART_READERS
from services.hospital.portal.errors import NoSuchResourceError
from services.hospital.portal.histories import ChartPage
from services.hospital.portal.pages import Portal
from services.hospital.portal.texts import version_of

ATTACHED = {
    "Content-Security-Policy": "sandbox; default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
_ENDINGS = {"image/png": "png", "image/jpeg": "jpg", "application/pdf": "pdf"}


class ResourcePages:
    """A room of the portal: resources of charts.

    Args:
        charts: of the hospital.
    """

    def __init__(self, charts: Charts) -> None:
        self._charts = charts

    def __call__(self, pages: APIRouter, _api: APIRouter, portal: Portal) -> None:
        """Add the pages; every opening is written down before anything is read."""
        gate, charts = portal.gate, self._charts

        @pages.get("/patients/{id_}/resources/{kind}/{rid}")
        def resource(
            request: Request,
            id_: str,
            kind: str,
            rid: str,
            version: Annotated[str, Query()] = "",
        ) -> Response:
            """One resource of this person's record, the newest version or an earlier one."""
            page = ChartPage(portal, request, gate.let(request, CHART_READERS), id_)
            number = version_of(version) if version else None
            return page.of(
                "resource",
                partial(charts.resource, key=(kind, rid), version=number),
                lambda found: _shown(charts, id_, found),
                missing=NoSuchResourceError,
                path=f"resources/{kind}/{rid}",
            )

        @pages.get("/patients/{id_}/attachments/{kind}/{rid}/{number}")
        async def attachment(
            request: Request, id_: str, kind: str, rid: str, number: str
        ) -> Response:
            """The bytes of a picture, to be shown, or of a PDF, to be kept; nothing else."""
            who = await run_in_threadpool(gate.let, request, CHART_READERS)
            try:
                found = await run_in_threadpool(
                    charts.attachment,
                    portal.pages.reader(request, who),
                    id_,
                    (kind, rid),
                    _place(number),
                )
            except NotFoundError:
                raise NoSuchResourceError("There is nothing such in this record.") from None
            if found.how not in {"image", "download"}:
                raise NoSuchResourceError("It cannot be shown.")
            return _bytes(found, f"{kind}-{rid}-{number}")


def _place(number: str) -> int:
    place = version_of(number)
    if place < 0:
        raise NoSuchResourceError("There is nothing such in this record.")
    return place


def _bytes(found: Content, name: str) -> Response:
    how = "inline" if found.how == "image" else "attachment"
    said = f'{how}; filename="{name}.{_ENDINGS[found.kind]}"'
    headers = ATTACHED | {"Content-Disposition": said}
    return Response(found.body, media_type=found.kind, headers=headers)


def _shown(charts: Charts, patient: str, found: Opened) -> dict[str, Any]:
    held = charts.resources(patient)
    attached = [
        (one, content(one, held.read("Binary", one.binary) if one.binary else None))
        for one in found.attachments
    ]
    return {
        "found": found,
        "attached": attached,
    }
