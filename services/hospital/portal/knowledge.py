"""Knowledge changes at the portal: what sources would change, and what clinicians decide."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Query, Request, Response

from compliance.errors import NotFoundError
from services.hospital.accounts import SignedIn
from services.hospital.audited import Caller
from services.hospital.portal.access import KNOWLEDGE, OPERATORS, WATCHERS, WRITERS
from services.hospital.portal.gate_words import figure, lines
from services.hospital.portal.pages import Portal, see
from services.hospital.portal.texts import clean
from services.learning.sources.acts import Act
from services.learning.sources.people import NOTE_CHARS
from services.learning.sources.service import Sources
from services.learning.sources.view import detail, overview, summary

TONES = {
    "waiting": "warn",
    "signing": "warn",
    "quarantined": "problem",
    "failed": "problem",
    "published": "ok",
    "noted": "ok",
    "well": "ok",
    "failing": "problem",
    "old": "warn",
}
"""Colours of the states that ask for a look, or need none; the others are on their way."""
PENDING = frozenset({"checking", "waiting", "quarantined", "failed", "approved", "signing"})
NOTHING: dict[str, Any] = {
    "title": "",
    "language": "en",
    **{name: [] for name in ("contradictions", "within", "quarantined", "entries", "topics")},
}
"""What there is of a change that was not checked yet."""
PAGE = 20
"""Topics on one page of a change."""
DIGEST_CHARS, PASSAGE_CHARS = 71, 200
MOST_KEPT = 500
_ID = re.compile(r"[0-9a-f-]{36}")


@dataclass(frozen=True)
class KnowledgeDesk:
    """What stands behind the pages.

    Attributes:
        sources: of the hospital.
        audit: writes down what a person decides, before it happens.
    """

    sources: Sources
    audit: Callable[[Caller, str, Act], None]


def knowledge_pages(router: APIRouter, portal: Portal, desk: KnowledgeDesk) -> None:
    """Add the list of sources and changes, one change, and what people decide."""
    _reading(router, portal, desk)
    _deciding(router, portal, desk)
    _operating(router, portal, desk)


def _reading(router: APIRouter, portal: Portal, desk: KnowledgeDesk) -> None:
    gate, pages, sources = portal.gate, portal.pages, desk.sources

    @router.get("/knowledge")
    def listing(request: Request) -> Response:
        """What waits, how every source stands, and what was decided."""
        who = gate.let(request, WATCHERS)
        t = pages.translator(request)
        rows = [summary(row) for row in sources.book.listing()]
        return pages.render(
            request, "knowledge", who, here=KNOWLEDGE, title=t("knowledge.title"), tones=TONES,
            pending=[one for one in rows if one["state"] in PENDING],
            past=[one for one in rows if one["state"] not in PENDING],
            sources=overview(sources), titles=_titles(sources),
            operates=who.user.role in OPERATORS, figure=partial(figure, t=t),
        )  # fmt: skip

    @router.get("/knowledge/{id_}")
    def one(
        request: Request, id_: str, page: Annotated[int, Query(ge=1, le=99_999)] = 1
    ) -> Response:
        """One change: contradictions first, then topic by topic."""
        who = gate.let(request, WATCHERS)
        t = pages.translator(request)
        held = detail(sources, _known(id_))
        report = NOTHING | (held["report"] or {})
        topics = report["topics"]
        last = max(1, -(-len(topics) // PAGE))
        number = min(page, last)
        return pages.render(
            request, "knowledge_change", who, here=f"{KNOWLEDGE}/{held['id']}",
            title=t("knowledge.one"), current=KNOWLEDGE, tones=TONES, held=held, report=report,
            topics=topics[(number - 1) * PAGE : number * PAGE], page=number, last=last,
            person=portal.names().get(held["by"] or "", held["by"]),
            decides=who.user.role in WRITERS, operates=who.user.role in OPERATORS,
            longest=NOTE_CHARS, criteria=lines(held["criteria"], "knowledge", t),
            figure=partial(figure, t=t),
        )  # fmt: skip


@dataclass(frozen=True)
class _Said:
    """What a form brings: the session's token, the digest that was looked at, the reason."""

    csrf: str
    candidate: str
    note: str


def _said(
    csrf: Annotated[str, Form()] = "",
    candidate: Annotated[str, Form()] = "",
    note: Annotated[str, Form()] = "",
) -> _Said:
    return _Said(csrf, candidate[:DIGEST_CHARS], clean(note[:NOTE_CHARS]))


_Form = Annotated[_Said, Depends(_said)]


def _deciding(router: APIRouter, portal: Portal, desk: KnowledgeDesk) -> None:
    people = desk.sources.people

    def decide(
        request: Request, csrf: str, id_: str, act: Act, do: Callable[[str], object]
    ) -> Response:
        who = portal.gate.let_change(request, csrf, WRITERS)
        desk.sources.book.get(_known(id_))
        desk.audit(_caller(who), f"change:{id_}", act)
        do(who.user.id)
        return see(f"{KNOWLEDGE}/{id_}")

    @router.post("/knowledge/{id_}/approve")
    def approve(request: Request, id_: str, said: _Form) -> Response:
        """Approve the candidate that was shown."""

        def do(by: str) -> object:
            return people.approve(id_, said.candidate, by, said.note)

        return decide(request, said.csrf, id_, "approved", do)

    @router.post("/knowledge/{id_}/refuse")
    def refuse(request: Request, id_: str, said: _Form) -> Response:
        """Refuse the candidate that was shown, with a reason."""

        def do(by: str) -> object:
            return people.refuse(id_, said.candidate, by, said.note)

        return decide(request, said.csrf, id_, "refused", do)

    @router.post("/knowledge/{id_}/keep")
    def keep(
        request: Request,
        id_: str,
        said: _Form,
        passage: Annotated[list[str] | None, Form()] = None,
    ) -> Response:
        """Keep passages that contradict what is in use, with a reason."""
        chosen = {one[:PASSAGE_CHARS] for one in (passage or [])[:MOST_KEPT]}

        def do(by: str) -> object:
            return people.keep(id_, said.candidate, chosen, by, said.note)

        return decide(request, said.csrf, id_, "kept", do)


def _operating(router: APIRouter, portal: Portal, desk: KnowledgeDesk) -> None:
    sources = desk.sources

    @router.post("/knowledge/{id_}/recheck")
    def recheck(request: Request, id_: str, csrf: Annotated[str, Form()] = "") -> Response:
        """Check a change again."""
        who = portal.gate.let_change(request, csrf, OPERATORS)
        sources.book.get(_known(id_))
        desk.audit(_caller(who), f"change:{id_}", "rechecked")
        sources.people.recheck(id_)
        return see(f"{KNOWLEDGE}/{id_}")

    @router.post("/knowledge/sources/{source}/ask")
    def ask(request: Request, source: str, csrf: Annotated[str, Form()] = "") -> Response:
        """Ask a source with the next job."""
        who = portal.gate.let_change(request, csrf, OPERATORS)
        known = sources.catalogue.of(source)
        desk.audit(_caller(who), f"source:{known.id}", "asked")
        sources.book.ask(known.id, sources.fetcher.now())
        return see(KNOWLEDGE)


def _caller(who: SignedIn) -> Caller:
    return Caller.user(who.user.id, who.user.role, who.client)


def _titles(sources: Sources) -> dict[str, str]:
    return {one.id: one.title for one in sources.catalogue.sources}


def _known(id_: str) -> str:
    """What can be the id of a change.

    Raises:
        NotFoundError: it cannot.
    """
    if not _ID.fullmatch(id_):
        raise NotFoundError("There is no such change.")
    return id_
