"""Phrases at the portal: their page, one phrase with its versions, and the picker's list."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import JSONResponse

from compliance.errors import CaretierError
from services.hospital.accounts import SignedIn
from services.hospital.phrases import Phrases, PhraseView, Words
from services.hospital.portal.access import PHRASES, WRITERS
from services.hospital.portal.pages import Portal, see
from services.hospital.portal.phrase_words import GROUPS, group_of, told_of, words_typed
from services.hospital.portal.placeholders import placeholders
from services.hospital.portal.texts import version_of
from services.hospital.portal.views import explain

PICKER = "phrases"


class PhrasePages:
    """Pages of phrases, as a room of the portal.

    Args:
        phrases: of the hospital.
    """

    def __init__(self, phrases: Phrases) -> None:
        self._phrases = phrases

    def __call__(self, pages: APIRouter, api: APIRouter, portal: Portal) -> None:
        """Add the pages and the list for the picker."""
        portal.beside.append(lambda _request, _item, _who: {"phrases": True})
        self._add_api(api, portal)
        self._add_pages(pages, portal)
        self._add_acts(pages, portal)

    def _add_api(self, api: APIRouter, portal: Portal) -> None:
        @api.get("/phrases")
        def phrases(request: Request) -> JSONResponse:
            """What this clinician may put into a reply, with the placeholders that each names."""
            who = portal.gate.let(request, WRITERS)
            language = portal.pages.language(request)
            told = [told_of(view, language) for view in self._phrases.usable(who.user)]
            return JSONResponse({"phrases": told}, headers={"Cache-Control": "no-store"})

    def _add_pages(self, pages: APIRouter, portal: Portal) -> None:
        @pages.get("/phrases")
        def all_phrases(request: Request) -> Response:
            """Own, shared and waiting phrases, and those that Caretier brings."""
            who = portal.gate.let(request, WRITERS)
            return self._list(portal, request, who)

        @pages.post("/phrases")
        def new(
            request: Request,
            csrf: Annotated[str, Form()] = "",
            title: Annotated[str, Form()] = "",
            english: Annotated[str, Form()] = "",
            spanish: Annotated[str, Form()] = "",
        ) -> Response:
            """Write a phrase."""
            who = portal.gate.let_change(request, csrf, WRITERS)
            words = words_typed(title, english, spanish)
            try:
                made = self._phrases.write(who.user, words)
            except CaretierError as error:
                return self._list(portal, request, who, words, error)
            return see(f"{PHRASES}/{made.id}")

        @pages.get("/phrases/{id_}")
        def one(request: Request, id_: str) -> Response:
            """One phrase with its versions."""
            who = portal.gate.let(request, WRITERS)
            return self._one(portal, request, who, id_)

    def _add_acts(self, pages: APIRouter, portal: Portal) -> None:
        @pages.post("/phrases/{id_}/edit")
        def edit(  # noqa: PLR0917 - the fields of the form
            request: Request,
            id_: str,
            csrf: Annotated[str, Form()] = "",
            version: Annotated[str, Form()] = "",
            title: Annotated[str, Form()] = "",
            english: Annotated[str, Form()] = "",
            spanish: Annotated[str, Form()] = "",
        ) -> Response:
            """Write a further version; what was typed stays where that is refused."""
            who = portal.gate.let_change(request, csrf, WRITERS)
            words = words_typed(title, english, spanish)
            try:
                self._phrases.write(who.user, words, id_, version_of(version))
            except CaretierError as error:
                return self._one(portal, request, who, id_, words, error)
            return see(f"{PHRASES}/{id_}")

        @pages.post("/phrases/{id_}/{act}")
        def act(
            request: Request,
            id_: str,
            act: str,
            csrf: Annotated[str, Form()] = "",
            version: Annotated[str, Form()] = "",
        ) -> Response:
            """Share, approve, retire or copy."""
            who = portal.gate.let_change(request, csrf, WRITERS)
            if act == "approve":
                self._phrases.approve(id_, who.user, version_of(version))
            elif act == "share":
                self._phrases.share(id_, who.user)
            elif act == "retire":
                self._phrases.retire(id_, who.user)
                return see(PHRASES)
            elif act == "copy":
                copied = self._phrases.write(who.user, self._phrases.one(id_, who.user).words)
                return see(f"{PHRASES}/{copied.id}")
            return see(f"{PHRASES}/{id_}")

    def _list(
        self,
        portal: Portal,
        request: Request,
        who: SignedIn,
        typed: Words | None = None,
        error: CaretierError | None = None,
    ) -> Response:
        t = portal.pages.translator(request)
        found: dict[str, list[PhraseView]] = {}
        for view in self._phrases.seen(who.user):
            found.setdefault(group_of(view, who), []).append(view)
        return portal.pages.render(
            request,
            "phrases",
            who,
            here=PHRASES,
            title=t("phrases.title"),
            status=error.status if error else 200,
            words=("phrases",),
            groups=[(name, found[name]) for name in GROUPS if name in found],
            names=portal.names(),
            typed=typed or Words("", "", ""),
            trouble=explain(error, t) if error else None,
        )

    def _one(  # noqa: PLR0917 - what the page stands on
        self,
        portal: Portal,
        request: Request,
        who: SignedIn,
        id_: str,
        typed: Words | None = None,
        error: CaretierError | None = None,
    ) -> Response:
        t, view = portal.pages.translator(request), self._phrases.one(id_, who.user)
        waiting = next((v for v in view.versions if v.number == view.wanted), None)
        mine = view.owner == who.user.id
        return portal.pages.render(
            request,
            "phrase",
            who,
            here=f"{PHRASES}/{view.id}",
            title=t("phrases.one"),
            status=error.status if error else 200,
            words=("phrases",),
            current=PHRASES,
            phrase=view,
            mine=mine,
            typed=typed or view.words,
            waiting=waiting,
            named=placeholders(f"{view.words.english}\n{view.words.spanish}"),
            names=portal.names(),
            trouble=explain(error, t) if error else None,
        )
