"""The operator's page of registered programs."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response

from services.hospital.audited import Caller
from services.hospital.portal.access import CLIENTS, OPERATORS
from services.hospital.portal.pages import Portal, see
from services.hospital.portal.views import stamp
from services.hospital.smart.clients import Clients


def client_pages(router: APIRouter, portal: Portal, clients: Clients) -> None:
    """Add the list of programs, and the end of one."""

    @router.get("/clients")
    def listing(request: Request) -> Response:
        """Every program that was registered; they are made at the command line."""
        who = portal.gate.let(request, OPERATORS)
        t = portal.pages.translator(request)
        rows = [(row, stamp(row.created)) for row in clients.listing()]
        return portal.pages.render(
            request, "clients", who, here=CLIENTS, title=t("clients.title"), rows=rows
        )

    @router.post("/clients/{id_}/revoke")
    def revoke(request: Request, id_: str, csrf: Annotated[str, Form()] = "") -> Response:
        """Refuse a program, and every token of it, from now on."""
        who = portal.gate.let_change(request, csrf, OPERATORS)
        clients.revoke(id_, Caller.user(who.user.id, who.user.role, who.client))
        return see(CLIENTS)
