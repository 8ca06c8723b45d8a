"""What the pages show: rows of the inbox, a referral in words, and the frame around them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

from fastapi import Request
from fastapi.responses import HTMLResponse

from compliance.errors import CaretierError
from services.consult.messages import Citation, Fact, Status
from services.hospital.accounts import SignedIn
from services.hospital.desk import DeskItem
from services.hospital.portal.access import HOME, READERS, SIGN_IN, SYSTEM, WATCHERS, home_of
from services.hospital.portal.placeholders import damaged, given
from services.web.i18n import COMMON, LANGUAGES, Catalogue, Language, Translator, negotiate
from services.web.templating import templates

HERE = Path(__file__).parent
LOCALE = HERE / "locale"
STATIC = HERE / "static"
"""Modules and styles of the portal; to be served at ``/static/portal``."""

LANGUAGE_COOKIE = "caretier_lang"
SHARED_WORDS = ("frame", "problem", "age")
LINE_CHARS = 160
"""Longest first line of a question in the inbox, in characters."""
CAPPED_AGE = 90
"""Ages from here on were capped on the device (Safe Harbor)."""


@dataclass(frozen=True)
class Row:
    """One referral in the inbox."""

    id: str
    urgency: str
    reason: str
    line: str
    when: datetime
    age: str
    assignee: str


def age(moment: datetime, now: datetime, t: Translator) -> str:
    """How long ago, in the largest unit that fits: ``now``, ``12 min``, ``3 h``, ``2 d``."""
    minutes = max(0, int((now - moment) / timedelta(minutes=1)))
    if minutes < 1:
        return t("age.now")
    hours, days = minutes // 60, minutes // (60 * 24)
    if days:
        return t("age.days", count=days)
    return t("age.hours", count=hours) if hours else t("age.minutes", count=minutes)


def first_line(text: str) -> str:
    """The first line of a text that says something, cut at a word."""
    line = next((part.strip() for part in text.splitlines() if part.strip()), "")
    if len(line) <= LINE_CHARS:
        return line
    return f"{line[:LINE_CHARS].rsplit(' ', 1)[0]}…"


def stamp(moment: datetime | None) -> str:
    """A moment as it stands in the page until the browser puts it into local time."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC") if moment else ""


def row(item: DeskItem, names: Mapping[str, str], now: datetime, t: Translator) -> Row:
    """One referral as the inbox shows it; signed ones show when and by whom."""
    when = item.signed or item.received
    return Row(
        id=item.id,
        urgency=item.urgency,
        reason=reason(item.reason, t),
        line=first_line(item.question.text),
        when=when,
        age=age(when, now, t),
        assignee=names.get(item.signed_by or item.assignee or "", ""),
    )


def reason(slug: str, t: Translator) -> str:
    """Why a question was referred, in words; a reason that has none is shown as it is."""
    try:
        return t(f"reason.{slug}")
    except KeyError:
        return slug


def explain(error: CaretierError, t: Translator) -> tuple[str, str]:
    """What happened and what to do, in the page's language."""
    try:
        return t(f"trouble.{error.kind}.what"), t(f"trouble.{error.kind}.remedy")
    except KeyError:
        return error.message, error.advice


def context_of(item: DeskItem, t: Translator) -> list[tuple[str, str]]:
    """What is known about the person, as pairs of label and value."""
    person = item.question.person
    years = person.age_years
    told = t("person.unknown")
    if years is not None:
        told = t("person.capped") if years >= CAPPED_AGE else t("person.years", count=years)
    pregnant = {None: "unknown", True: "yes", False: "no"}[person.pregnant]
    return [
        (t("person.age"), told),
        (t("person.sex"), t(f"person.{person.sex or 'unknown'}")),
        (t("person.pregnant"), t(f"person.{pregnant}")),
        (t("person.country"), person.country),
        (t("person.language"), t(f"language.{person.language}")),
    ]


def facts_of(item: DeskItem) -> list[Fact]:
    """The facts that crossed; those that bear on safety first, otherwise in their order."""
    return sorted(item.question.facts, key=lambda fact: not fact.warning)


def sources_of(item: DeskItem) -> list[tuple[int, Citation]]:
    """The draft's sources, numbered from 1."""
    return list(enumerate(item.draft.citations, 1)) if item.draft else []


def trace_of(item: DeskItem) -> list[tuple[str, str, str]]:
    """Steps of the draft: name, time, and what was decided as JSON text."""
    steps = item.draft.trace if item.draft else ()
    return [
        (s.step, f"{s.ms:.1f} ms", json.dumps(s.detail, ensure_ascii=False, default=str))
        for s in steps
    ]


def referral_context(
    item: DeskItem, names: Mapping[str, str], t: Translator, text: str
) -> dict[str, Any]:
    """Everything that the page of one referral shows.

    Args:
        item: the referral.
        names: display names by user id.
        t: translator of the page.
        text: of the reply, which may be newer than what is saved.
    """
    draft = item.draft
    sources = sources_of(item)
    return {
        "item": item,
        "text": text,
        "reason": reason(item.reason, t),
        "person": context_of(item, t),
        "facts": facts_of(item),
        "sources": sources,
        "numbers": {source.id: number for number, source in sources},
        "drafted": draft.text if draft and draft.status is Status.ANSWERED else "",
        "trace": trace_of(item),
        "given": given(item.question),
        "damaged": damaged(text, item.question),
        "received": stamp(item.received),
        "signed": stamp(item.signed),
        "assignee": names.get(item.assignee or "", ""),
        "signer": names.get(item.signed_by or "", t("referral.somebody")),
    }


class Pages:
    """Renders pages in the reader's language.

    Args:
        idle: a session ends after so long without a request; the page then leaves by itself.
    """

    def __init__(self, idle: timedelta) -> None:
        self._idle = int(idle.total_seconds())
        self._templates = templates(HERE / "templates")
        self._catalogue = Catalogue.load(COMMON, LOCALE)

    def language(self, request: Request) -> Language:
        """The chosen language, else the browser's."""
        chosen = request.cookies.get(LANGUAGE_COOKIE)
        return negotiate(chosen if chosen in LANGUAGES else request.headers.get("accept-language"))

    def translator(self, request: Request) -> Translator:
        """Sentences in the reader's language."""
        return self._catalogue.translator(self.language(request))

    def render(
        self,
        request: Request,
        name: str,
        who: SignedIn | None,
        *,
        here: str,
        title: str,
        status: int = 200,
        words: tuple[str, ...] = (),
        **context: Any,
    ) -> HTMLResponse:
        """One page that no cache may keep.

        Args:
            request: that it answers.
            name: of the template.
            who: is signed in, if anybody.
            here: address of the page, to come back to.
            title: of the page, in the reader's language.
            status: HTTP status.
            words: sections of the catalogue that the page's modules need.
            context: for the template.
        """
        language = self.language(request)
        t = self._catalogue.translator(language)
        role = who.user.role if who else ""
        path = here.partition("?")[0]
        places = (
            (HOME, "inbox", "nav.inbox", READERS),
            (SYSTEM, "chart", "nav.system", WATCHERS),
        )
        frame = {
            "t": t,
            "language": language,
            "languages": LANGUAGES,
            "title": title,
            "here": here,
            "current": path,
            "nav_items": [(to, icon, t(key)) for to, icon, key, roles in places if role in roles],
            "csrf": who.csrf if who else "",
            "signin": f"{SIGN_IN}?next={quote(path)}" if who else "",
            "home": home_of(role) if who else SIGN_IN,
            "user": who.user if who else None,
            "idle_seconds": self._idle if who else 0,
            "strings": self._catalogue.as_json(language, *SHARED_WORDS, *words),
        }
        return self._templates.TemplateResponse(
            request,
            f"{name}.html",
            frame | context,
            status_code=status,
            headers={"Cache-Control": "no-store", "Content-Language": language},
        )
