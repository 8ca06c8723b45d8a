"""The pages behind the session, with what stands behind them: desk, accounts, audit."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from fastapi import Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from compliance.errors import CaretierError, NotFoundError
from services.hospital.accounts import Accounts, SignedIn
from services.hospital.desk import Desk, DeskItem
from services.hospital.models import User
from services.hospital.portal.access import HOME, SIGN_IN, WRITERS, Gate, local
from services.hospital.portal.against import Against, against
from services.hospital.portal.errors import NotSignedInError
from services.hospital.portal.inbox import WORDS, inbox_context, just_done
from services.hospital.portal.lists import Lists, address, remember
from services.hospital.portal.referral import referral_context
from services.hospital.portal.views import Pages, explain
from services.hospital.worklist import Filters
from services.web.i18n import Translator

REFERRAL_WORDS = ("reply", "citation", "draft", "phrases", "opinions")
_ID = re.compile(r"[0-9a-f-]{36}")
_FORMS = re.compile(
    "/(?:take|release|handover|snooze|wake|sign|filing|withdraw|patient|launch|opinions|edit|share|copy|retire|approve|reject|retry|refuse|keep|recheck|erase|holds|holds/lift|referral|readmit|trust)$"
)


Beside = Callable[[Request, DeskItem, SignedIn], dict[str, Any]]
"""What a room adds to the context of one referral's page."""


def see(target: str) -> RedirectResponse:
    """Go on to an address of the portal with GET."""
    return RedirectResponse(target, 303, headers={"Cache-Control": "no-store"})


class Portal:
    """The pages with what stands behind them.

    Args:
        accounts: users and sessions.
        desk: referrals.
        gate: checks who asks.
        pages: renders.
        audit_read: called before a referral is shown; when it raises, nothing is shown.
        filed: what is said of the record on the page of a referral, to whom; None where replies are
            not filed.
        flags: red flags above the inbox, for whom.

    Attributes:
        lists: the worklist, and who holds what.
        beside: what rooms add to the page of one referral.
        saved: called after a reply was saved.
    """

    def __init__(  # noqa: PLR0917 - what stands behind the pages
        self,
        accounts: Accounts,
        desk: Desk,
        gate: Gate,
        pages: Pages,
        audit_read: Callable[[User, str, str | None], None],
        filed: Callable[[DeskItem, SignedIn], dict[str, Any] | None] | None = None,
        flags: Callable[[SignedIn, Translator], Sequence[Any]] = lambda _who, _t: (),
    ) -> None:
        self.accounts, self.desk, self.gate, self.pages = accounts, desk, gate, pages
        self.lists = Lists.of(desk)
        self.audit_read, self._filed, self._flags = audit_read, filed, flags
        self.beside: list[Beside] = []
        self.saved: list[Callable[[DeskItem, User], None]] = []

    def on_saved(self, item: DeskItem, user: User) -> None:
        """Tell the rooms that a reply was saved."""
        for told in self.saved:
            told(item, user)

    def names(self) -> dict[str, str]:
        """Display names by user id."""
        return {user.id: user.display_name for user in self.accounts.users()}

    def item(self, id_: str) -> DeskItem:
        """A referral; what cannot be an id is as unknown as an id that nobody has.

        Raises:
            NotFoundError: there is none.
        """
        if not _ID.fullmatch(id_):
            raise NotFoundError("There is no such referral.")
        return self.desk.item(id_)

    def problem(self, request: Request, error: CaretierError) -> Response:
        """An error as a page; without a session, the way to sign in."""
        if isinstance(error, NotSignedInError):
            onward = local(_FORMS.sub("", request.url.path))
            return see(SIGN_IN if onward == HOME else f"{SIGN_IN}?next={onward}")
        what, remedy = explain(error, self.pages.translator(request), request.url.path)
        return self.pages.render(
            request,
            "trouble",
            self.gate.who(request),
            here=request.url.path,
            title=what,
            status=error.status,
            remedy=remedy,
        )

    def inbox(self, request: Request, who: SignedIn) -> HTMLResponse:
        """The worklist as the address asks for it."""
        t, filters = self.pages.translator(request), Filters.read(request.query_params)
        reply = self.pages.render(
            request,
            "inbox",
            who,
            here=address(filters),
            title=t("inbox.title"),
            words=WORDS,
            flags=self._flags(who, t),
            done=just_done(self.lists, request.query_params, who),
            **inbox_context(self.lists, filters, who.user.id, who.user.role, t),
        )
        remember(reply, who, filters, secure=self.gate.secure)
        return reply

    def against(
        self, request: Request, item: DeskItem, text: str | None = None
    ) -> tuple[Against, ...]:
        """What the record says against a reply, in the reader's language; the saved one's."""
        voices = self.pages.voices(request, item.question.person.language)
        return against(item, item.text if text is None else text, voices)

    def referral(
        self,
        request: Request,
        who: SignedIn,
        id_: str,
        *,
        mine: str | None = None,
        error: CaretierError | None = None,
        sent: bool = False,
        number: str = "",
    ) -> HTMLResponse:
        """One referral.

        Args:
            request: that it answers.
            who: reads it.
            id_: of the referral.
            mine: text that could not be signed; it is shown in place of what is saved.
            error: why it could not.
            sent: whether it was signed just now.
            number: of the person in whose record it was to be filed.
        """
        item = self.item(id_)
        self.audit_read(who.user, item.id, who.client)
        voices = self.pages.voices(request, item.question.person.language)
        t = voices.reader
        editable = who.user.role in WRITERS and item.state == "open"
        text = item.text if mine is None or not editable else mine
        return self.pages.render(
            request,
            "referral",
            who,
            here=f"{HOME}referrals/{item.id}",
            title=t("referral.title"),
            status=error.status if error else 200,
            words=REFERRAL_WORDS,
            current=HOME,
            editable=editable,
            sent=sent,
            saved=item.text if mine is not None and mine != item.text else "",
            unsent=mine if mine is not None and not editable else "",
            trouble=explain(error, t) if error else None,
            files=self._filed is not None,
            number=number,
            against=against(item, text, voices) if editable else (),
            filed=self._filed(item, who) if self._filed else None,
            **referral_context(item, self.names(), voices, text),
            **{key: said for add in self.beside for key, said in add(request, item, who).items()},
        )
