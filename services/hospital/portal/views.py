"""What the pages show: rows of the inbox, a referral in words, and the frame around them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

from fastapi import Request
from fastapi.responses import HTMLResponse

from compliance.access import BrokenGlass
from compliance.audit.entries import Entry
from compliance.errors import CaretierError
from services.consult.messages import Person
from services.hospital.accounts import SignedIn
from services.hospital.chart import Reader
from services.hospital.models import User
from services.hospital.portal.access import SIGN_IN, home_of
from services.hospital.portal.places import places_of
from services.hospital.portal.plots import spark
from services.web.i18n import COMMON, LANGUAGES, Catalogue, Language, Translator, negotiate
from services.web.templating import templates

HERE = Path(__file__).parent
LOCALE = HERE / "locale"
STATIC = HERE / "static"
"""Modules and styles of the portal; to be served at ``/static/portal``."""

LANGUAGE_COOKIE = "caretier_lang"
SHARED_WORDS = ("frame", "problem", "age", "bell")
_KIND = re.compile(r"/portal/([a-z-]+)")
LINE_CHARS = 160
"""Longest first line of a question in the inbox, in characters."""
CAPPED_AGE = 90
"""Ages from here on were capped on the device (Safe Harbor)."""


@dataclass(frozen=True)
class Voices:
    """Translators into reader's and patient's language; ``language`` is the reader's."""

    reader: Translator
    patient: Translator
    language: Language


def age(moment: datetime, now: datetime, t: Translator) -> str:
    """How long ago, in the largest unit that fits: ``now``, ``12 min``, ``3 h``, ``2 d``."""
    minutes = max(0, int((now - moment) / timedelta(minutes=1)))
    if minutes < 1:
        return t("age.now")
    hours, days = minutes // 60, minutes // (60 * 24)
    if days:
        return t("age.days", count=days)
    return t("age.hours", count=hours) if hours else t("age.minutes", count=minutes)


def years(person: Person, t: Translator) -> str:
    """A person's age; never ``0 years``, which reads like an age that is missing."""
    if person.age_years is None:
        return t("person.unknown_age")
    if person.age_years >= CAPPED_AGE:
        return t("person.capped")
    return t("person.years", count=person.age_years) if person.age_years else t("person.infant")


def in_short(person: Person, t: Translator) -> str:
    """Whose record a question comes from: age, sex, pregnancy; it may be about somebody else."""
    said = [years(person, t)]
    if person.sex:
        said.append(t(f"person.{person.sex}"))
    if person.pregnant:
        said.append(t("person.pregnant"))
    return t("person.of_record", who=" · ".join(said))


def first_line(text: str) -> str:
    """The first line of a text that says something, cut at a word."""
    line = next((part.strip() for part in text.splitlines() if part.strip()), "")
    if len(line) <= LINE_CHARS:
        return line
    return f"{line[:LINE_CHARS].rsplit(' ', 1)[0]}…"


def stamp(moment: datetime | None) -> str:
    """A moment in the hospital's zone, as it stands until the browser puts it into the reader's."""
    return moment.astimezone().strftime("%Y-%m-%d %H:%M %Z") if moment else ""


def reason(slug: str, t: Translator) -> str:
    """Why a question was referred, in words; a reason that has none is shown as it is."""
    try:
        return t(f"reason.{slug}")
    except KeyError:
        return slug


def explain(error: CaretierError, t: Translator, path: str = "") -> tuple[str, str]:
    """What happened and what to do, in the page's language.

    Args:
        error: that a person met.
        t: of the page.
        path: of the address; what is not there is named by it.
    """
    kind = _KIND.match(path)
    if error.kind == "not-found" and kind:
        with suppress(KeyError):
            return t(f"trouble.nothing.{kind[1]}.what"), t(f"trouble.nothing.{kind[1]}.remedy")
    try:
        return t(f"trouble.{error.kind}.what"), t(f"trouble.{error.kind}.remedy")
    except KeyError:
        return error.message, error.advice


class Pages:
    """Renders pages in the reader's language.

    Args:
        idle: a session ends after so long without a request; the page then leaves by itself.
        rooms: parts that this portal has beside desk and system page: ``charts``, ``apps``,
            ``updates``, ``knowledge``.

    Attributes:
        unread: how many notices a user has not read, by the user's id; None: there are no notices.
    """

    unread: Callable[[str], int] | None = None

    def __init__(self, idle: timedelta, rooms: frozenset[str] = frozenset()) -> None:
        self._rooms = rooms
        self._idle = int(idle.total_seconds())
        self.glass: Callable[[User, str], BrokenGlass | None] | None = None
        self.opened: Callable[[BrokenGlass], Sequence[Entry]] = lambda _access: ()
        self._templates = templates(HERE / "templates", portal=STATIC)
        self._templates.env.filters |= {"stamp": stamp, "spark": spark}
        self._catalogue = Catalogue.load(COMMON, LOCALE)

    def language(self, request: Request) -> Language:
        """The chosen language, else the browser's."""
        chosen = request.cookies.get(LANGUAGE_COOKIE)
        return negotiate(chosen if chosen in LANGUAGES else request.headers.get("accept-language"))

    def translator(self, request: Request) -> Translator:
        """Sentences in the reader's language."""
        return self._catalogue.translator(self.language(request))

    def voices(self, request: Request, patient: Language) -> Voices:
        """The reader's language, and the patient's."""
        language, sentences = self.language(request), self._catalogue
        return Voices(sentences.translator(language), sentences.translator(patient), language)

    def reader(self, request: Request, who: SignedIn) -> Reader:
        """Who reads charts with this request, and in which language."""
        return Reader(who.user, self.translator(request), self.language(request), client=who.client)

    def _glass_now(self, who: SignedIn | None, patient: object) -> BrokenGlass | None:
        """The emergency access by which a page of a chart is open, if it is by that alone."""
        if self.glass is None or who is None or not isinstance(patient, str):
            return None
        return self.glass(who.user, patient)

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
        frame = {
            "t": t,
            "language": language,
            "languages": LANGUAGES,
            "title": title,
            "here": here,
            "current": path,
            "nav_items": [(p.address, p.icon, t(p.label)) for p in places_of(role, self._rooms)],
            "csrf": who.csrf if who else "",
            "signin": f"{SIGN_IN}?next={quote(path)}" if who else "",
            "apps_known": "apps" in self._rooms,
            "home": home_of(role) if who else SIGN_IN,
            "user": who.user if who else None,
            "glass_now": self._glass_now(who, context.get("patient")),
            "unread": self.unread(who.user.id) if self.unread and who else None,
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
