"""The pages that open and close a record: whose it is, and the passphrase or the recovery code."""

from __future__ import annotations

import hmac
from collections.abc import Collection
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import BaseModel

from compliance.errors import CaretierError
from patient_app.errors import ForeignRequestError
from patient_app.newcomers import UnfitError, require_same
from patient_app.trouble import told
from services.web.i18n import LANGUAGES, negotiate
from services.web.origin import is_foreign

if TYPE_CHECKING:
    from patient_app.pages import Device, Pages

MAX_PASSPHRASE_CHARS = 1024
"""Longest passphrase that is looked at, in characters; a longer one is refused before hashing."""
MAX_RECOVERY_CHARS = 256
"""Longest recovery text that is looked at, in characters; a true one has about 70."""
MOVED_KIND = "vault-outer-key-missing"
"""Kind of the problem that only the recovery text mends."""


class RecoverForm(BaseModel):
    """The fields of the form for somebody who forgot the passphrase."""

    person: str = ""
    code: str = ""
    passphrase: str = ""
    again: str = ""
    recovery: str = ""


def require_own_page(request: Request) -> None:
    """Refuse a form that another site sent (`services.web.origin`).

    Raises:
        ForeignRequestError: the browser says that the form is from elsewhere.
    """
    if is_foreign(request):
        raise ForeignRequestError("The form did not come from this device's own page.")


def _onward(target: str, addresses: Collection[str]) -> str:
    """The page to go to after unlocking: one of ours, else the first."""
    return target if target in addresses else "/"


def _told(language: str, problem: CaretierError | None) -> tuple[str, str]:
    """A problem in the person's language: what happened and what to do."""
    if problem is None:
        return "", ""
    return told(problem.kind, problem.message, problem.advice, language)


def unlock_page(
    pages: Pages,
    device: Device,
    request: Request,
    onward: str,
    *,
    chosen: str = "",
    problem: CaretierError | None = None,
    moved: bool = False,
) -> Response:
    """The form that asks whose record and for the passphrase; the passphrase is never kept.

    ``moved``: the field for the recovery text is open.
    """
    asked = request.query_params.get("lang")
    language = negotiate(asked or request.headers.get("accept-language"))
    return pages.render(
        request,
        "unlock",
        language,
        status=problem.status if problem else 200,
        title=pages.catalogue.translator(language)("unlock.title"),
        people=device.people(),
        chosen=chosen or request.query_params.get("person", ""),
        problem=problem,
        told=_told(language, problem),
        moved=moved or (problem is not None and problem.kind == MOVED_KIND),
        onward=onward,
        languages=LANGUAGES,
    )


def recover_page(
    pages: Pages,
    device: Device,
    request: Request,
    form: RecoverForm,
    problem: CaretierError | None = None,
) -> Response:
    """The form for somebody who forgot the passphrase; the code stands there again, it is long."""
    asked = request.query_params.get("lang")
    language = negotiate(asked or request.headers.get("accept-language"))
    t = pages.catalogue.translator(language)
    told = _told(language, problem)
    if isinstance(problem, UnfitError):
        told = (t("recover.unfit"), t(f"start.error_{problem.reason}"))
    return pages.render(
        request,
        "recover",
        language,
        status=problem.status if problem else 200,
        title=t("recover.title"),
        people=device.people(),
        chosen=form.person,
        code=form.code[:MAX_RECOVERY_CHARS],
        problem=problem,
        told=told,
        moved=problem is not None and problem.kind == MOVED_KIND,
        strings=pages.catalogue.as_json(language, "frame", "problem", "shell", "strength"),
        languages=LANGUAGES,
    )


def unlock_routes(api: APIRouter, pages: Pages, device: Device, addresses: Collection[str]) -> None:
    """Add the pages that open and close a record.

    Args:
        api: where to.
        pages: renders them.
        device: opens and closes.
        addresses: of the pages that one may go on to.
    """

    @api.get("/unlock", response_class=HTMLResponse)
    def unlock_form(request: Request, next: Annotated[str, Query()] = "/") -> Response:  # noqa: A002 - the name of the query parameter
        """Ask whose record to open."""
        return unlock_page(pages, device, request, _onward(next, addresses))

    @api.post("/unlock", response_class=HTMLResponse)
    def unlock(
        request: Request,
        person: Annotated[str, Form()] = "",
        passphrase: Annotated[str, Form()] = "",
        recovery: Annotated[str, Form()] = "",
        onward: Annotated[str, Form()] = "/",
    ) -> Response:
        """Open the record and go on to the page that was asked for; or show the form again."""
        require_own_page(request)
        target = _onward(onward, addresses)
        response = RedirectResponse(target, 303, headers={"Cache-Control": "no-store"})
        try:
            device.unlock(
                request,
                response,
                person,
                passphrase[: MAX_PASSPHRASE_CHARS + 1],
                recovery=recovery.strip()[:MAX_RECOVERY_CHARS] or None,
            )
        except CaretierError as error:
            moved = bool(recovery.strip())
            return unlock_page(
                pages, device, request, target, chosen=person, problem=error, moved=moved
            )
        return response

    @api.get("/recover", response_class=HTMLResponse)
    def recover_form(request: Request) -> Response:
        """Ask for the recovery code and a new passphrase."""
        return recover_page(pages, device, request, RecoverForm())

    @api.post("/recover", response_class=HTMLResponse)
    def recover(request: Request, form: Annotated[RecoverForm, Form()]) -> Response:
        """Open the record by its code and go on to make another code; or show the form again."""
        require_own_page(request)
        response = RedirectResponse("/recovery", 303, headers={"Cache-Control": "no-store"})
        new = form.passphrase[: MAX_PASSPHRASE_CHARS + 1]
        try:
            require_same(new, form.again[: MAX_PASSPHRASE_CHARS + 1])
            device.recover(
                request,
                response,
                form.person,
                code=form.code[:MAX_RECOVERY_CHARS],
                new=new,
                recovery=form.recovery.strip()[:MAX_RECOVERY_CHARS] or None,
            )
        except CaretierError as error:
            return recover_page(pages, device, request, form, error)
        return response

    @api.post("/lock")
    def lock(request: Request, csrf: Annotated[str, Form()] = "") -> Response:
        """Close the record. Without a session there is nothing to close."""
        response = RedirectResponse("/unlock", 303, headers={"Cache-Control": "no-store"})
        session = device.current(request)
        if session is not None:
            token = csrf or request.headers.get("x-csrf-token", "")
            if not hmac.compare_digest(token.encode(), session.csrf.encode()):
                raise ForeignRequestError("The form lacks the token of this session.")
            device.lock(request, response)
        return response
