"""The audit explorer: for privacy officers alone, and each look at it is on the trail itself."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse

from compliance.audit import AuditError
from compliance.audit.entries import Entry, entry_of, reason_of
from compliance.audit.index import MOST_COUNTED, Search
from compliance.errors import NotFoundError
from services.hospital.accounts import SignedIn
from services.hospital.audited import Auditor, Caller
from services.hospital.chart import Charts
from services.hospital.explorer import Explorer
from services.hospital.explorer.looks import SEEN
from services.hospital.portal.access import AUDIT, REVIEWERS
from services.hospital.portal.pages import Portal, see
from services.hospital.portal.trail_query import Asked, AskedKey
from services.hospital.portal.trail_words import ACTS, BAR, GAP, TALL, Told, as_csv, days, told

PAGE = 50
PERSON_LINES = 500
_TYPES = {"csv": "text/csv; charset=utf-8", "ndjson": "application/fhir+ndjson"}
DISCLOSED = (*SEEN, "export", "send", "break-glass", "chat")
"""Acts by which a person's data is seen by somebody, or given to them."""


class TrailPages:
    """The explorer's pages, for `portal_router`.

    Args:
        explorer: of the hospital's trail.
        auditor: writes every look down.
        charts: finds a person by number.
        key: seals what is asked into addresses.
    """

    def __init__(self, explorer: Explorer, auditor: Auditor, charts: Charts, key: AskedKey) -> None:
        self.explorer, self._auditor, self._charts, self.key = explorer, auditor, charts, key

    def __call__(self, pages: APIRouter, api: APIRouter, portal: Portal) -> None:
        """Add them, and what was opened meanwhile to the reviews of emergency access."""
        portal.pages.opened = lambda one: self.explorer.meanwhile(
            one.user, one.patient, one.opened, one.expires
        )
        _search_pages(pages, portal, self)
        _event_page(pages, portal, self)
        _person_pages(pages, portal, self)
        _look_page(pages, portal, self)
        _check_pages(pages, api, portal, self)
        _export(pages, portal, self)

    def write(self, who: SignedIn, what: str, patient: str = "", **detail: str) -> None:
        """Write down that somebody looks at the trail, before they see it.

        Raises:
            AuditError: it could not be written; nothing is shown.
        """
        by = Caller.user(who.user.id, who.user.role, who.client)
        self._auditor.trail(by, what, patient=patient or None, **detail)

    def patient(self, number: str) -> str:
        """The Patient of a number as the trail names them; what is nobody's number stays."""
        number = number.strip()
        found = self._charts.find(number.removeprefix("Patient/")) if number else None
        return f"Patient/{found}" if found else number

    def waiting(self, request: Request, who: SignedIn, portal: Portal) -> Response | None:
        """The page that says how far the index is, while it is not all there."""
        reach = self.explorer.reach()
        if reach.complete:
            return None
        t = portal.pages.translator(request)
        return portal.pages.render(
            request, "audit_waiting", who, here=AUDIT, title=t("trail.title"), current=AUDIT,
            reach=reach,
        )  # fmt: skip

    def lines(self, portal: Portal, request: Request, search: Search, **page: Any) -> list[Told]:
        """Events that fit, in words."""
        t, names = portal.pages.translator(request), portal.names()
        return [told(one, names, t) for one in self.explorer.index.find(search, **page)]


def _search_pages(pages: APIRouter, portal: Portal, room: TrailPages) -> None:
    gate = portal.gate

    @pages.get("/audit")
    def audit(request: Request, s: str = "", before: str = "") -> Response:
        """What fits, the newest first, with a picture of the days."""
        who = gate.let(request, REVIEWERS)
        if (wait := room.waiting(request, who, portal)) is not None:
            return wait
        asked = room.key.open(s, who.user.id)
        room.write(who, "trail:search", asked.patient, **asked.detail())
        index, search, t = room.explorer.index, asked.search(), portal.pages.translator(request)
        start = int(before) if before.isascii() and before.isdigit() else None
        rows = room.lines(portal, request, search, before=start, limit=PAGE + 1)
        return portal.pages.render(
            request, "audit", who, here=f"{AUDIT}?s={s}" if s else AUDIT, title=t("trail.title"),
            current=AUDIT, asked=asked, s=s, rows=rows[:PAGE], acts=ACTS, more=len(rows) > PAGE,
            first=start is None, count=index.count(search), most=MOST_COUNTED,
            days=days(index.days(search), t), people=portal.accounts.users(),
            bar=BAR, gap=GAP, tall=TALL,
        )  # fmt: skip

    @pages.post("/audit")
    def ask(  # noqa: PLR0917 - the fields of the form
        request: Request,
        csrf: Annotated[str, Form()] = "",
        since: Annotated[str, Form()] = "",
        until: Annotated[str, Form()] = "",
        person: Annotated[str, Form()] = "",
        act: Annotated[str, Form()] = "",
        number: Annotated[str, Form()] = "",
        outcome: Annotated[str, Form()] = "",
        client: Annotated[str, Form()] = "",
    ) -> Response:
        """Go on to the address of what is asked, which does not show it."""
        who = gate.let_change(request, csrf, REVIEWERS)
        asked = Asked.read(
            since=since, until=until, who=person, act=act, outcome=outcome, client=client,
            patient=room.patient(number[:100]),
        )  # fmt: skip
        sealed = room.key.seal(asked, who.user.id)
        return see(f"{AUDIT}?s={sealed}" if sealed else AUDIT)


def _event_page(pages: APIRouter, portal: Portal, room: TrailPages) -> None:
    @pages.get("/audit/events/{seq}")
    def event(request: Request, seq: str) -> Response:
        """One event in words, and as it stands in the trail."""
        who = portal.gate.let(request, REVIEWERS)
        if not seq.isascii() or not seq.isdigit() or len(seq) > len(str(1 << 40)):
            raise NotFoundError("There is no such event.")
        room.explorer.reach()
        room.write(who, f"trail-event:{int(seq)}")
        try:
            record = room.explorer.index.record(int(seq))
        except AuditError:
            raise NotFoundError("There is no such event.") from None
        t, names = portal.pages.translator(request), portal.names()
        return portal.pages.render(
            request, "audit_event", who, here=f"{AUDIT}/events/{seq}", title=t("trail.event"),
            current=AUDIT, one=told(entry_of(record.seq, record.time, record.event), names, t),
            why=reason_of(record.event), record=record,
            raw=json.dumps(record.event, ensure_ascii=False, indent=2),
        )  # fmt: skip


def _person_pages(pages: APIRouter, portal: Portal, room: TrailPages) -> None:
    gate = portal.gate

    @pages.get("/audit/person")
    def person(request: Request, s: str = "") -> Response:
        """Who saw one person's data, to read or to print."""
        who = gate.let(request, REVIEWERS)
        if (wait := room.waiting(request, who, portal)) is not None:
            return wait
        asked, t = room.key.open(s, who.user.id), portal.pages.translator(request)
        rows = list[Told]()
        if asked.patient:
            room.write(who, "trail:person", asked.patient, **asked.detail())
            search = replace(asked.search(), acts=DISCLOSED)
            rows = room.lines(portal, request, search, limit=PERSON_LINES)
        return portal.pages.render(
            request, "audit_person", who, here=f"{AUDIT}/person{'?s=' + s if s else ''}",
            title=t("trail.person"), current=AUDIT, asked=asked, rows=rows, most=PERSON_LINES,
        )  # fmt: skip

    @pages.post("/audit/person")
    def ask(
        request: Request,
        csrf: Annotated[str, Form()] = "",
        number: Annotated[str, Form()] = "",
        since: Annotated[str, Form()] = "",
        until: Annotated[str, Form()] = "",
    ) -> Response:
        """Go on to the address of what is asked, which does not show it."""
        who = gate.let_change(request, csrf, REVIEWERS)
        asked = Asked.read(since=since, until=until, patient=room.patient(number[:100]))
        return see(f"{AUDIT}/person?s={room.key.seal(asked, who.user.id)}")


def _look_page(pages: APIRouter, portal: Portal, room: TrailPages) -> None:
    @pages.get("/audit/looks")
    def looks(request: Request) -> Response:
        """What may be worth a look, each with its reason."""
        who = portal.gate.let(request, REVIEWERS)
        if (wait := room.waiting(request, who, portal)) is not None:
            return wait
        room.write(who, "trail:looks")
        t, names = portal.pages.translator(request), portal.names()
        found = [
            (one, names.get(one.who, t("trail.nobody")),
             room.key.seal(Asked.of(one.search), who.user.id))
            for one in room.explorer.looks()
        ]  # fmt: skip
        return portal.pages.render(
            request, "audit_looks", who, here=f"{AUDIT}/looks", title=t("trail.looks"),
            current=AUDIT, found=found,
        )  # fmt: skip


def _check_pages(pages: APIRouter, api: APIRouter, portal: Portal, room: TrailPages) -> None:
    gate = portal.gate

    @pages.get("/audit/whole")
    def whole(request: Request) -> Response:
        """Whether the trail is whole, when it was last looked at."""
        who, t = gate.let(request, REVIEWERS), portal.pages.translator(request)
        return portal.pages.render(
            request, "audit_whole", who, here=f"{AUDIT}/whole", title=t("trail.whole"),
            current=AUDIT, check=room.explorer.check,
        )  # fmt: skip

    @pages.post("/audit/whole")
    def start(request: Request, csrf: Annotated[str, Form()] = "") -> Response:
        """Begin to check it."""
        who = gate.let_change(request, csrf, REVIEWERS)
        room.write(who, "trail:check")
        room.explorer.start_check()
        return see(f"{AUDIT}/whole")

    @api.get("/audit")
    def progress(request: Request) -> JSONResponse:
        """How far index and check are, in numbers; the index goes on meanwhile."""
        gate.let(request, REVIEWERS)
        reach, check = room.explorer.reach(), room.explorer.check
        body = {
            "index": {"running": not reach.complete, "done": reach.done, "whole": reach.whole},
            "check": {"running": check.running, "done": check.done, "whole": check.whole},
        }
        return JSONResponse(body, headers={"Cache-Control": "no-store"})


def _export(pages: APIRouter, portal: Portal, room: TrailPages) -> None:
    @pages.post("/audit/export")
    def export(
        request: Request,
        csrf: Annotated[str, Form()] = "",
        s: Annotated[str, Form()] = "",
        form: Annotated[str, Form()] = "csv",
    ) -> Response:
        """All that fits as a file: a table, or the whole events; written to the trail first."""
        who = portal.gate.let_change(request, csrf, REVIEWERS)
        asked, kind = room.key.open(s, who.user.id), "ndjson" if form == "ndjson" else "csv"
        if (wait := room.waiting(request, who, portal)) is not None:
            return wait  # a file of half a trail would look like all of it
        room.write(who, "trail:export", asked.patient, format=kind, **asked.detail())
        found = room.explorer.index.walk(asked.search())
        t, names = portal.pages.translator(request), portal.names()
        pieces = (
            _events(room, found)
            if kind == "ndjson"
            else as_csv(told(one, names, t) for one in found)
        )
        headers = {
            "Cache-Control": "no-store",
            "Content-Disposition": f'attachment; filename="caretier-audit.{kind}"',
        }
        return StreamingResponse(pieces, media_type=_TYPES[kind], headers=headers)


def _events(room: TrailPages, found: Iterator[Entry]) -> Iterator[str]:
    for record in room.explorer.index.records(one.seq for one in found):
        yield json.dumps(record.event, ensure_ascii=False) + "\n"
