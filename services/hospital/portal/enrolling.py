"""A code for a new clinic, shown once, and shutting a clinic out."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response

from services.hospital.audited import Caller
from services.hospital.enrolling import Enrolling
from services.hospital.errors import StaleProofError
from services.hospital.portal.access import NODES, OPERATORS, SYSTEM
from services.hospital.portal.pages import Portal, see

KEY_CHARS = 32


def enrolling_pages(
    pages: APIRouter, _api: APIRouter, portal: Portal, enrolling: Enrolling
) -> None:
    """Add what an operator does who proved a short while ago who they are."""

    def caller(request: Request, csrf: str) -> Caller:
        who = portal.gate.let_change(request, csrf, OPERATORS)
        if not who.is_fresh():
            raise StaleProofError("Say again who you are.")
        return Caller.user(who.user.id, who.user.role, who.client)

    @pages.post("/system/nodes/code")
    def code(request: Request, csrf: Annotated[str, Form()] = "") -> Response:
        """Make a code for a new clinic, and show it this once."""
        made, until = enrolling.new_code(caller(request, csrf))
        return portal.pages.render(
            request,
            "node_code",
            portal.gate.who(request),
            here=NODES,
            current=SYSTEM,
            title=portal.pages.translator(request)("enrolling.code_title"),
            code=made,
            until=until,
        )

    @pages.post("/system/nodes/revoke")
    def revoke(
        request: Request, csrf: Annotated[str, Form()] = "", node: Annotated[str, Form()] = ""
    ) -> Response:
        """Shut a clinic out."""
        enrolling.revoke(node[:KEY_CHARS], caller(request, csrf))
        return see(f"{NODES}?did=revoked")
