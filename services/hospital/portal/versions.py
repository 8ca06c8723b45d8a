"""Saved versions of a reply: looking at each against the one before, and going back to one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import SequenceMatcher
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Form, Request, Response

from compliance.errors import CaretierError, NotFoundError
from services.hospital.accounts import SignedIn
from services.hospital.desk import DeskItem
from services.hospital.portal.access import HOME, WRITERS
from services.hospital.portal.pages import Portal, see
from services.hospital.portal.texts import version_of
from services.hospital.portal.views import stamp
from services.hospital.versions import Kept, ReplyVersions

Kind = Literal["same", "gone", "new"]
_PIECES = re.compile(r"\s+|\S+")
MOST_WORDS = 4_000
"""Of longer texts it is only said that they differ: comparing takes too long."""


@dataclass(frozen=True)
class VersionRow:
    """One version as the page shows it; ``pieces`` say what changed since the one before."""

    number: int
    by: str
    when: datetime
    stamp: str
    text: str
    pieces: tuple[tuple[Kind, str], ...]
    current: bool


class ReplyVersionPages:
    """Pages of a reply's versions, as a room of the portal.

    Args:
        versions: of the hospital.
    """

    def __init__(self, versions: ReplyVersions) -> None:
        self._versions = versions

    def __call__(self, pages: APIRouter, _api: APIRouter, portal: Portal) -> None:
        """Add the page, and keep a version at each save."""
        portal.saved.append(self._versions.keep)
        portal.beside.append(self._beside)

        @pages.get("/referrals/{id_}/versions")
        def versions(request: Request, id_: str) -> Response:
            """Every version of the reply, the newest first."""
            who = portal.gate.let(request, WRITERS)
            item = portal.item(id_)
            portal.audit_read(who.user, item.id, who.client)
            return self._page(portal, request, who, item)

        @pages.post("/referrals/{id_}/versions")
        def restore(
            request: Request,
            id_: str,
            csrf: Annotated[str, Form()] = "",
            number: Annotated[str, Form()] = "",
            version: Annotated[str, Form()] = "",
        ) -> Response:
            """Save an older version as the newest; the one that it takes the place of stays."""
            who = portal.gate.let_change(request, csrf, WRITERS)
            item = portal.item(id_)
            kept = self._versions.one(item.id, version_of(number))
            try:
                saved = portal.desk.save(
                    item.id, kept.text, version=version_of(version), user=who.user
                )
            except NotFoundError:
                raise
            except CaretierError as error:
                return portal.referral(request, who, item.id, mine=kept.text, error=error)
            portal.on_saved(saved, who.user)
            return see(f"{HOME}referrals/{item.id}")

    def _beside(self, _request: Request, item: DeskItem, who: SignedIn) -> dict[str, Any]:
        writes = who.user.role in WRITERS and item.state == "open"
        return {"versions": self._versions.count(item.id) if writes else 0}

    def _page(self, portal: Portal, request: Request, who: SignedIn, item: DeskItem) -> Response:
        t = portal.pages.translator(request)
        return portal.pages.render(
            request,
            "versions",
            who,
            here=f"{HOME}referrals/{item.id}/versions",
            title=t("versions.title"),
            current=HOME,
            item=item,
            rows=version_rows(self._versions.all(item.id), item.text, portal.names()),
        )


def version_rows(kept: Sequence[Kept], now: str, names: dict[str, str]) -> tuple[VersionRow, ...]:
    """Versions, newest first, each against the one before it."""
    before = [one.text for one in kept[1:]]
    return tuple(
        VersionRow(
            one.number,
            names.get(one.user_id, ""),
            one.saved,
            stamp(one.saved),
            one.text,
            changed(older, one.text),
            current=one.text == now,
        )
        for one, older in zip(kept, [*before, ""], strict=False)
    )


def changed(before: str, after: str) -> tuple[tuple[Kind, str], ...]:
    """What turns one text into another, in words; joined without what is gone, it is ``after``."""
    old, new = _PIECES.findall(before), _PIECES.findall(after)
    if not old or max(len(old), len(new)) > MOST_WORDS:
        return (("same", after),) if after else ()
    pieces: list[tuple[Kind, str]] = []
    for tag, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            pieces.append(("same", "".join(new[c:d])))
            continue
        pieces += [("gone", "".join(old[a:b]))] if b > a else []
        pieces += [("new", "".join(new[c:d]))] if d > c else []
    return tuple(pieces)
