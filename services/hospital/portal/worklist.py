"""Taking, handing over and snoozing at the portal: the forms, and what follows them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Request, Response

from compliance.errors import CaretierError
from services.hospital.accounts import SignedIn
from services.hospital.portal.access import HOME, WRITERS
from services.hospital.portal.lists import Lists, address, remembered
from services.hospital.portal.pages import Portal, see
from services.hospital.portal.snoozing import has_evening, zone_of
from services.hospital.portal.texts import version_of
from services.hospital.portal.views import age, explain
from services.hospital.portal.wishes import LONGEST_FIELD, MOST_ROWS, Fields, act_of
from services.hospital.portal.worklist_api import worklist_api
from services.hospital.worklist import ACTS, Act, Done, Filters
from services.hospital.worklist.errors import NobodyToTakeError, SnoozeTimeError


def worklist_room(lists: Lists) -> Callable[[APIRouter, APIRouter, Portal], None]:
    """The room that adds the worklist's acts to a portal."""

    def add(pages: APIRouter, api: APIRouter, portal: Portal) -> None:
        for act in ACTS:
            _one_route(pages, portal, lists, act)
        _many_routes(pages, portal, lists)
        worklist_api(api, portal, lists)
        portal.beside.append(_beside(portal, lists))

    return add


def _one_route(pages: APIRouter, portal: Portal, lists: Lists, act: Act) -> None:
    @pages.post(f"/referrals/{{id_}}/{act}", name=f"{act}_referral")
    def change(  # noqa: PLR0917 - the fields of the form
        request: Request,
        id_: str,
        csrf: Annotated[str, Form()] = "",
        version: Annotated[str, Form()] = "",
        to: Annotated[str, Form()] = "",
        note: Annotated[str, Form()] = "",
        choice: Annotated[str, Form()] = "",
        own: Annotated[str, Form()] = "",
        offset: Annotated[str, Form()] = "",
        over: Annotated[str, Form()] = "",
    ) -> Response:
        """Change who holds one referral, and come back to it."""
        who = portal.gate.let_change(request, csrf, WRITERS)
        item = portal.item(id_)
        fields = Fields(to, note, choice, own, offset, over)
        row = f"{item.id}.{version_of(version)}"
        if _asks(act, fields):
            return _choose(request, portal, lists, who, act, [row], fields, one=item.id)
        wish = fields.wish(act, portal.accounts, lists.holding.clock())
        try:
            done = lists.holding.one(wish, item.id, version_of(version), who.user, who.client)
        except (NobodyToTakeError, SnoozeTimeError) as error:
            return _choose(
                request, portal, lists, who, act, [row], fields, one=item.id, error=error
            )
        return see(f"{HOME}referrals/{item.id}?done={done.batch}")


def _many_routes(pages: APIRouter, portal: Portal, lists: Lists) -> None:
    @pages.post("/worklist/undo")
    def undo(
        request: Request,
        csrf: Annotated[str, Form()] = "",
        batch: Annotated[str, Form()] = "",
        back: Annotated[str, Form()] = "",
    ) -> Response:
        """Put back what was just done; ``back`` is a referral to come back to."""
        who = portal.gate.let_change(request, csrf, WRITERS)
        lists.holding.undo(batch[:LONGEST_FIELD], who.user, who.client)
        if back:
            return see(f"{HOME}referrals/{portal.item(back).id}")
        return see(address(remembered(request, who)))

    @pages.post("/worklist/{act}")
    def change(  # noqa: PLR0917 - the fields of the form
        request: Request,
        act: str,
        csrf: Annotated[str, Form()] = "",
        row: Annotated[list[str] | None, Form()] = None,
        to: Annotated[str, Form()] = "",
        note: Annotated[str, Form()] = "",
        choice: Annotated[str, Form()] = "",
        own: Annotated[str, Form()] = "",
        offset: Annotated[str, Form()] = "",
    ) -> Response:
        """Change who holds the ticked referrals, and come back to the list."""
        who = portal.gate.let_change(request, csrf, WRITERS)
        known, ticked = act_of(act), (row or [])[:MOST_ROWS]
        list_ = remembered(request, who)
        if not ticked:
            return see(address(list_))
        fields = Fields(to, note, choice, own, offset)
        if _asks(known, fields):
            return _choose(request, portal, lists, who, known, ticked, fields)
        wish = fields.wish(known, portal.accounts, lists.holding.clock())
        try:
            done = lists.holding.act(wish, _ticked(ticked), who.user, who.client)
        except (NobodyToTakeError, SnoozeTimeError) as error:
            return _choose(request, portal, lists, who, known, ticked, fields, error=error)
        return see(_after(list_, done))


def _beside(portal: Portal, lists: Lists) -> Callable[[Request, Any, SignedIn], dict[str, Any]]:
    """What the worklist adds to the page of one referral.

    ``back`` is the list it was opened from, ``near`` ids before and after it there, ``held`` who
    held it (`Held`) with ``held_names`` by id, ``done`` what was just done and may be undone;
    ``onward`` is the id and urgency of what comes next after a signature;
    ``waited`` is how long an open one has waited, ``late`` whether that is too long.
    """

    def add(request: Request, item: Any, who: SignedIn) -> dict[str, Any]:
        filters = remembered(request, who)
        held = lists.holding.history(item.id)
        batch = request.query_params.get("done", "")[:LONGEST_FIELD]
        done = lists.holding.done(batch, who.user) if batch else None
        now, t = lists.holding.clock(), portal.pages.translator(request)
        waits = item.state == "open"
        signed = item.state == "signed" and "signed" in request.query_params
        return {
            "onward": lists.worklist.first(_open(filters), who.user.id) if signed else None,
            "waited": age(item.received, now, t) if waits else "",
            "late": waits and lists.worklist.waits.overdue(item.urgency, item.received, now),
            "back": address(filters),
            "near": lists.worklist.neighbours(item.id, filters, who.user.id),
            "held": held,
            "held_names": lists.worklist.names({id_ for s in held for id_ in (s.by, s.to)}),
            "mine": item.assignee == who.user.id,
            "done": {"batch": batch, "act": done[0], "count": done[1]} if done else None,
        }

    return add


def _open(filters: Filters) -> Filters:
    """The list as it is, or everybody's where it holds nothing that could be answered now."""
    return filters.but(show="all") if filters.show in {"signed", "snoozed"} else filters


def _choose(  # noqa: PLR0917 - what the page shows
    request: Request,
    portal: Portal,
    lists: Lists,
    who: SignedIn,
    act: Act,
    rows: list[str],
    fields: Fields,
    *,
    one: str = "",
    error: CaretierError | None = None,
) -> Response:
    """Ask to whom, or until when: for who has no scripts, and where the answer did not do."""
    t = portal.pages.translator(request)
    now = lists.holding.clock()
    back = f"{HOME}referrals/{one}" if one else address(remembered(request, who))
    return portal.pages.render(
        request,
        "worklist_choice",
        who,
        here=back,
        title=t(f"worklist.{act}_title"),
        status=error.status if error else 200,
        current=HOME,
        onward=back,
        act=act,
        target=f"{HOME}referrals/{one}/{act}" if one else f"{HOME}worklist/{act}",
        rows=rows,
        one=one,
        fields=fields,
        colleagues=lists.worklist.colleagues(who.user.id) if act == "handover" else [],
        evening=has_evening(now, zone_of(fields.offset, now)),
        trouble=explain(error, t) if error else None,
    )


def _asks(act: Act, fields: Fields) -> bool:
    """Whether an act lacks what it needs, so that the page has to ask."""
    lacks = {"handover": not fields.to, "snooze": not fields.choice}
    return lacks.get(act, False)


def _ticked(rows: list[str]) -> list[tuple[str, int]]:
    pairs = (row.partition(".") for row in rows)
    return [(id_[:LONGEST_FIELD], version_of(version)) for id_, _, version in pairs]


def _after(filters: Filters, done: Done) -> str:
    said = {"done": done.batch if done.versions else "", "left": len(done.refused) or ""}
    told = urlencode({key: value for key, value in said.items() if value})
    return f"{address(filters)}&{told}" if told else address(filters)
