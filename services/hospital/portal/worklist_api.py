"""What the worklist's modules call: acts on ticked referrals, colleagues, and what has changed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from services.hospital.accounts import SignedIn
from services.hospital.errors import StaleDraftError
from services.hospital.portal.access import READERS, WRITERS
from services.hospital.portal.inbox import held_by
from services.hospital.portal.lists import Lists
from services.hospital.portal.pages import Portal
from services.hospital.portal.views import explain
from services.hospital.portal.wishes import LONGEST_FIELD, MOST_ROWS, Fields, act_of
from services.hospital.worklist import LONGEST_NOTE, Done, Filters, News

_ID = "[0-9a-f-]{36}"
_ID_CHARS = 36


class Row(BaseModel):
    """A referral, and the version that the page shows."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(pattern=_ID, max_length=36)
    version: int = Field(ge=0, lt=1 << 31)


class Asked(BaseModel):
    """What a module asks to be done with referrals."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rows: tuple[Row, ...] = Field(min_length=1, max_length=MOST_ROWS)
    to: str = Field("", max_length=LONGEST_FIELD)
    note: str = Field("", max_length=LONGEST_NOTE)
    choice: str = Field("", max_length=LONGEST_FIELD)
    own: str = Field("", max_length=LONGEST_FIELD)
    offset: str = Field("", max_length=LONGEST_FIELD)


class Undone(BaseModel):
    """The batch that is to be undone."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    batch: str = Field(pattern=_ID, max_length=36)


def worklist_api(api: APIRouter, portal: Portal, lists: Lists) -> None:
    """Add the addresses below ``/portal/api``."""
    _acts(api, portal, lists)
    _news(api, portal, lists)


def _acts(api: APIRouter, portal: Portal, lists: Lists) -> None:
    @api.get("/colleagues")
    def colleagues(request: Request) -> JSONResponse:
        """Whom a referral may be handed to: ids and names."""
        who = portal.gate.let(request, WRITERS)
        found = lists.worklist.colleagues(who.user.id)
        return _json([{"id": id_, "name": name} for id_, name in found])

    @api.post("/worklist/undo")
    def undo(
        request: Request, body: Undone, x_csrf_token: Annotated[str | None, Header()] = None
    ) -> JSONResponse:
        """Put back what was just done."""
        who = portal.gate.let_change(request, x_csrf_token, WRITERS)
        done = lists.holding.undo(body.batch, who.user, who.client)
        return _json(_done(portal, request, done))

    @api.post("/worklist/{act}")
    def change(
        request: Request,
        act: str,
        body: Asked,
        x_csrf_token: Annotated[str | None, Header()] = None,
    ) -> JSONResponse:
        """Change who holds referrals; says of each whether it was."""
        who = portal.gate.let_change(request, x_csrf_token, WRITERS)
        fields = Fields(body.to, body.note, body.choice, body.own, body.offset)
        wish = fields.wish(act_of(act), portal.accounts, lists.holding.clock())
        rows = [(row.id, row.version) for row in body.rows]
        return _json(_done(portal, request, lists.holding.act(wish, rows, who.user, who.client)))


def _news(api: APIRouter, portal: Portal, lists: Lists) -> None:
    @api.get("/worklist")
    def news(
        request: Request, since: Annotated[str, Query()] = "", rows: Annotated[str, Query()] = ""
    ) -> JSONResponse:
        """What has changed since a list was made: figures, and who holds its rows; no text."""
        who = portal.gate.let(request, READERS, touch=False)
        filters = Filters.read(request.query_params)
        ids = [id_ for id_ in rows.split(",")[:MOST_ROWS] if len(id_) == _ID_CHARS]
        found = lists.worklist.news(filters, who.user.id, _moment(since), ids)
        return _json(_told(found, lists, who))


def _told(found: News, lists: Lists, who: SignedIn) -> dict[str, Any]:
    names = lists.worklist.names(row.signed_by or row.assignee for row in found.rows)
    counts = {
        f"{facet}.{choice}": n
        for facet, choices in found.tally.facets.items()
        for choice, n in choices.items()
    }
    rows = {
        row.id: {
            "version": row.version,
            "state": row.state,
            "held": held_by(row.assignee, who.user.id),
            "holder": names.get(row.signed_by or row.assignee or "", ""),
            "snoozed": row.snoozed_until is not None and row.snoozed_until > found.at,
        }
        for row in found.rows
    }
    return {
        "at": found.at.isoformat(),
        "total": found.tally.total,
        "fresh": found.fresh,
        "emergency": found.emergency,
        "hidden": found.tally.hidden,
        "overdue": found.tally.overdue,
        "urgencies": dict(found.tally.urgencies),
        "counts": counts,
        "rows": rows,
    }


def _done(portal: Portal, request: Request, done: Done) -> dict[str, Any]:
    t = portal.pages.translator(request)
    return {
        "batch": done.batch,
        "versions": done.versions,
        "refused": {
            id_: {"what": explain(error, t)[0], "stale": isinstance(error, StaleDraftError)}
            for id_, error in done.refused.items()
        },
    }


def _moment(text: str) -> datetime:
    """A moment of an address; the present where it is none."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return datetime.now(UTC)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


class _Plain(JSONResponse):
    """JSON that a browser could not take for markup, whatever a name holds."""

    def render(self, content: Any) -> bytes:
        """Write it out."""
        return super().render(content).replace(b"<", b"\\u003c")


def _json(value: Any) -> JSONResponse:
    return _Plain(value, headers={"Cache-Control": "no-store"})
