"""What the portal's modules call: counts for the inbox, saving a reply, keeping a session alive."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Header, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from compliance.errors import NotFoundError
from services.consult.messages import Words
from services.hospital.desk import MAX_REPLY_CHARS, Desk, DeskItem
from services.hospital.models import User
from services.hospital.portal.access import EVERYBODY, READERS, WRITERS, Gate
from services.hospital.portal.against import Against
from services.hospital.portal.placeholders import damaged
from services.hospital.portal.texts import clean

_ID = re.compile(r"[0-9a-f-]{36}")


class Save(BaseModel):
    """A reply as it stands on the page, and the version that it was made from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: Words = Field(max_length=MAX_REPLY_CHARS)
    version: int = Field(ge=0, lt=1 << 31)


class Saved(BaseModel):
    """The new version, placeholders that are not the question's, and what the record warns of."""

    version: int
    damaged: tuple[str, ...]
    against: tuple[Against, ...] = ()


def portal_api(
    desk: Desk,
    gate: Gate,
    saved: Callable[[DeskItem, User], None],
    warned: Callable[[Request, DeskItem], tuple[Against, ...]],
) -> APIRouter:
    """Routes below ``/portal/api``; errors are problem documents.

    Args:
        desk: referrals.
        gate: checks who asks.
        saved: called after a reply was saved.
        warned: what the record says against a saved reply, in the reader's language.
    """
    router = APIRouter(prefix="/portal/api", include_in_schema=False)

    @router.get("/counts")
    def counts(request: Request) -> JSONResponse:
        """Open referrals by urgency, and signed ones; no word of any of them."""
        gate.let(request, READERS)
        return JSONResponse(desk.counts(), headers={"Cache-Control": "no-store"})

    @router.get("/session")
    def session(request: Request) -> Response:
        """Move the automatic logoff on: called while somebody reads or writes a page."""
        gate.let(request, EVERYBODY)
        return Response(status_code=204, headers={"Cache-Control": "no-store"})

    @router.post("/referrals/{id_}/save")
    def save(
        request: Request,
        id_: str,
        body: Save,
        x_csrf_token: Annotated[str | None, Header()] = None,
    ) -> Saved:
        """Keep a reply.

        Raises:
            StaleDraftError: somebody saved another one in the meantime.
        """
        who = gate.let_change(request, x_csrf_token, WRITERS)
        if not _ID.fullmatch(id_):
            raise NotFoundError("There is no such referral.")
        item = desk.save(id_, clean(body.text), version=body.version, user=who.user)
        saved(item, who.user)
        return Saved(
            version=item.version,
            damaged=damaged(item.text, item.question),
            against=warned(request, item),
        )

    return router
