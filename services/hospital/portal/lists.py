"""What stands behind the worklist's pages, and the list that a clinician came from."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl

from fastapi import Request, Response

from services.hospital.accounts import SignedIn
from services.hospital.audited import Auditor, Caller
from services.hospital.desk import Desk
from services.hospital.models import User
from services.hospital.portal.access import HOME
from services.hospital.worklist import Filters, Holding, Texts, Worklist

COOKIE = "caretier_worklist"
REMEMBER_SECONDS = 3600
"""So long the way back from a referral leads to the list that it was opened from."""
_KEPT = re.compile(r"([0-9a-f-]{36})\.([a-z0-9=&-]{0,200})")


@dataclass(frozen=True)
class Lists:
    """Reads the worklist, and changes who holds what."""

    worklist: Worklist
    holding: Holding

    @classmethod
    def of(cls, desk: Desk) -> Lists:
        """For a desk that stands alone; writes to the trail of its intake."""
        auditor = Auditor(desk.record, "hospital")

        def audit(user: User, client: str | None, act: str, ids: Sequence[str]) -> None:
            auditor.held(Caller.user(user.id, user.role, client), act, ids)

        texts = Texts(desk.seal, desk.open)
        return cls(Worklist(desk.database, desk.open), Holding(desk.database, texts, audit))


def address(filters: Filters) -> str:
    """Where a list is."""
    return f"{HOME}?{filters.to_query() or 'show=all'}"


def remember(response: Response, who: SignedIn, filters: Filters, *, secure: bool) -> None:
    """Keep the list in the browser for the way back; it names no person."""
    response.set_cookie(
        COOKIE,
        f"{who.user.id}.{filters.to_query()}",
        max_age=REMEMBER_SECONDS,
        path="/portal",
        httponly=True,
        secure=secure,
        samesite="strict",
    )


def remembered(request: Request, who: SignedIn) -> Filters:
    """The list that this person looked at last; the whole worklist where there is none."""
    kept = _KEPT.fullmatch(request.cookies.get(COOKIE, ""))
    if kept is None or kept[1] != who.user.id:
        return Filters()
    return Filters.read(dict(parse_qsl(kept[2])))
