"""Notices at the portal: the list behind the bell, and which kinds a person wants."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import JSONResponse

from services.hospital.notices import KINDS, Noticed, Notices, kinds_of
from services.hospital.portal.access import EVERYBODY, NOTICES
from services.hospital.portal.pages import Portal, see
from services.hospital.portal.views import age
from services.web.i18n import Translator

PAGE = 50
"""Notices on the page; older ones come up as these are forgotten."""
MOST_KINDS = 40
ID_CHARS, STAMP_CHARS = 36, 40


@dataclass(frozen=True)
class Row:
    """One notice as the page shows it."""

    id: str
    icon: str
    text: str
    about: str
    made: datetime
    age: str
    unread: bool


def notice_pages(pages: APIRouter, api: APIRouter, portal: Portal, notices: Notices) -> None:
    """Add the list, what the bell asks, reading and its undo, and the choice of kinds."""
    portal.pages.unread = notices.unread
    _reading(pages, api, portal, notices)
    _changing(pages, portal, notices)


def _reading(pages: APIRouter, api: APIRouter, portal: Portal, notices: Notices) -> None:
    gate = portal.gate

    @pages.get("/notices")
    def listing(
        request: Request,
        read: Annotated[str, Query()] = "",
        chosen: Annotated[str, Query()] = "",
    ) -> Response:
        """What the person was told; ``read`` is the moment of the last reading, for its undo."""
        who = gate.let(request, EVERYBODY)
        t, now = portal.pages.translator(request), datetime.now(UTC)
        kinds, off = kinds_of(who.user.role), notices.off(who.user.id)
        return portal.pages.render(
            request,
            "notices",
            who,
            here=NOTICES,
            title=t("notices.title"),
            words=("notices",),
            rows=[_row(one, now, t) for one in notices.of(who.user.id, limit=PAGE)],
            kinds=[
                (name, t(f"notices.{name}.kind"), kind.always, name not in off)
                for name, kind in kinds.items()
            ],
            undo=read if _moment(read) else "",
            chosen=bool(chosen),
        )

    @api.get("/notices")
    def unread(request: Request) -> JSONResponse:
        """How many are unread; nothing of any of them."""
        who = gate.let(request, EVERYBODY)
        count = {"unread": notices.unread(who.user.id)}
        return JSONResponse(count, headers={"Cache-Control": "no-store"})


def _changing(pages: APIRouter, portal: Portal, notices: Notices) -> None:
    gate = portal.gate

    @pages.post("/notices/read")
    def read_all(request: Request, csrf: Annotated[str, Form()] = "") -> Response:
        """Mark all as read."""
        who = gate.let_change(request, csrf, EVERYBODY)
        at = notices.read(who.user.id)
        return see(f"{NOTICES}?read={_stamp(at)}")

    @pages.post("/notices/undo")
    def undo(
        request: Request, csrf: Annotated[str, Form()] = "", read: Annotated[str, Form()] = ""
    ) -> Response:
        """Make what was read at a moment unread again."""
        who = gate.let_change(request, csrf, EVERYBODY)
        at = _moment(read)
        if at is not None:
            notices.undo(who.user.id, at)
        return see(NOTICES)

    @pages.post("/notices/kinds")
    def choose(
        request: Request,
        csrf: Annotated[str, Form()] = "",
        on: Annotated[list[str] | None, Form()] = None,
    ) -> Response:
        """Choose the kinds that are told."""
        who = gate.let_change(request, csrf, EVERYBODY)
        notices.choose(who.user.id, kinds_of(who.user.role).keys() - set((on or [])[:MOST_KINDS]))
        return see(f"{NOTICES}?chosen=1")

    @pages.post("/notices/{id_}/{do}")
    def one(request: Request, id_: str, do: str, csrf: Annotated[str, Form()] = "") -> Response:
        """Mark one as read, and go on to what it is about (``open``) or stay (``read``)."""
        who = gate.let_change(request, csrf, EVERYBODY)
        address = notices.address(who.user.id, id_[:ID_CHARS])
        at = notices.read(who.user.id, id_[:ID_CHARS])
        return see(address if do == "open" else f"{NOTICES}?read={_stamp(at)}")


def _row(one: Noticed, now: datetime, t: Translator) -> Row:
    about = one.subject[:8] if "{}" in KINDS[one.kind].address else _subject(one, t)
    return Row(
        id=one.id,
        icon=KINDS[one.kind].icon,
        text=t(f"notices.{one.kind}.told"),
        about=about,
        made=one.made,
        age=age(one.made, now, t),
        unread=one.read is None,
    )


def _subject(one: Noticed, t: Translator) -> str:
    """What an operator needs to know of which; ids of people's things say nothing here."""
    named = {"job-dead", "expiring", "answers-doubted"}
    return t("notices.about", what=one.subject) if one.kind in named else ""


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _moment(text: str) -> datetime | None:
    """The moment that an address or form brings back, None for anything else."""
    try:
        return datetime.strptime(text[:STAMP_CHARS], "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
    except ValueError:
        return None
