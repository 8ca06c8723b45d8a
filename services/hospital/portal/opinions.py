"""Second opinions at the portal: asking, progress while experts answer, and what they said."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Form, Header, Request, Response
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from compliance.errors import CaretierError
from services.consult.messages import Citation, Sentence
from services.experts.rank import ranked_by_field
from services.hospital.accounts import SignedIn
from services.hospital.desk import DeskItem
from services.hospital.opinions import DRAFT, Opinion, Opinions, Round, marks
from services.hospital.portal.access import HOME, WRITERS
from services.hospital.portal.drafter import drafter_of
from services.hospital.portal.pages import Portal, see
from services.hospital.portal.views import stamp


@dataclass(frozen=True)
class Line:
    """One statement: its sources by number, and by name who says it too and who says otherwise."""

    text: str
    sources: tuple[int, ...]
    also: str
    against: str
    degree: str
    new: bool

    @property
    def alone(self) -> bool:
        """Whether nobody else says anything of it."""
        return not (self.also or self.against or self.degree)


@dataclass(frozen=True)
class Column:
    """One opinion as the page shows it; ``drafter`` is the address of what wrote it."""

    opinion: Opinion
    title: str
    lines: tuple[Line, ...]
    sources: tuple[tuple[int, Citation], ...]
    drafter: str


class OpinionPages:
    """Second opinions, as a room of the portal.

    Args:
        opinions: of the hospital.
    """

    def __init__(self, opinions: Opinions) -> None:
        self._opinions = opinions

    def __call__(self, pages: APIRouter, api: APIRouter, portal: Portal) -> None:
        """Add what asks, and show what was said on the page of the referral."""

        def beside(request: Request, item: DeskItem, _who: SignedIn) -> dict[str, Any]:
            return {"second": self._shown(request, item, portal)}

        portal.beside.append(beside)

        @pages.post("/referrals/{id_}/opinions")
        async def ask(request: Request, id_: str, csrf: Annotated[str, Form()] = "") -> Response:
            """Ask and wait, for a browser without scripts."""
            who, item = await run_in_threadpool(_let, portal, request, id_, csrf)
            async for _ in self._opinions.ask(item, who.user, who.client):
                pass
            return see(f"{HOME}referrals/{item.id}#opinions")

        @api.post("/referrals/{id_}/opinions")
        async def follow(
            request: Request, id_: str, x_csrf_token: Annotated[str | None, Header()] = None
        ) -> Response:
            """Server-sent events: ``began`` and ``opinion`` of each expert, ``round`` at last."""
            who, item = await run_in_threadpool(_let, portal, request, id_, x_csrf_token)
            events = self._events(item, who)
            headers = {"Cache-Control": "no-store"}
            return StreamingResponse(events, headers=headers, media_type="text/event-stream")

    async def _events(self, item: DeskItem, who: SignedIn) -> AsyncIterator[str]:
        """No word of an opinion goes this way: the page is loaded again at the end."""
        try:
            async with aclosing(self._opinions.ask(item, who.user, who.client)) as coming:
                async for told in coming:
                    match told:
                        case Round():
                            yield _event("round", {"verdict": told.verdict})
                        case Opinion():
                            yield _event("opinion", {"by": told.by, "outcome": told.outcome})
                        case _:
                            yield _event("began", {"by": told.by})
        except CaretierError as error:
            yield _event("problem", {"title": error.message, "remedy": error.advice})

    def _shown(self, request: Request, item: DeskItem, portal: Portal) -> dict[str, Any]:
        t = portal.pages.translator(request)
        last = self._opinions.last(item.id) if item.state == "open" else None
        titles = {DRAFT: t("opinions.draft")}
        titles |= {one.by: one.title for one in last.opinions if one.title} if last else {}
        return {
            "experts": [(one.id, one.title) for one in self._opinions.experts()],
            "fields": ranked_by_field(self._opinions.experts()),
            "why": self._opinions.why(),
            "last": last,
            "stamp": stamp(last.asked) if last else "",
            "asker": portal.names().get(last.by, "") if last else "",
            "columns": columns(last, titles) if last else (),
            "mute": [
                (titles.get(one.by, one.by), one)
                for one in (last.opinions if last else ())
                if one.outcome != "said" and one.by != DRAFT
            ],
            "titles": titles,
        }


def columns(told: Round, titles: dict[str, str]) -> tuple[Column, ...]:
    """The opinions side by side, sources numbered through, with a mark at each statement.

    Who gave no opinion has no column.
    """
    ids = [c.id for one in told.opinions for c in one.citations]
    numbers = {id_: number for number, id_ in enumerate(dict.fromkeys(ids), 1)}
    stands = marks(told)

    def names(by: tuple[str, ...]) -> str:
        return ", ".join(titles.get(one, one) for one in by)

    def line(by: str, said: Sentence) -> Line:
        mark = stands[by, said.text]
        sources = tuple(numbers[c] for c in said.citations)
        also, against, degree = map(names, (mark.also, mark.against, mark.degree))
        return Line(said.text, sources, also, against, degree, mark.new)

    return tuple(
        Column(
            one,
            titles.get(one.by, one.by),
            tuple(line(one.by, said) for said in one.sentences),
            tuple((numbers[c.id], c) for c in one.citations),
            drafter_of(one.model) if one.model else "",
        )
        for one in told.opinions
        if one.sentences
    )


def _let(portal: Portal, request: Request, id_: str, csrf: str | None) -> tuple[SignedIn, DeskItem]:
    """Who asks about what, written to the audit trail."""
    who = portal.gate.let_change(request, csrf, WRITERS)
    item = portal.item(id_)
    portal.audit_read(who.user, item.id, who.client)
    return who, item


def _event(name: str, body: dict[str, Any]) -> str:
    return f"event: {name}\ndata: {json.dumps(body)}\n\n"
