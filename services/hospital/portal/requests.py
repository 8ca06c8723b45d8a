"""What people ask of their data, for the privacy officer: erasing, and what must be kept instead.

What would go and what must stay is shown, and that look written to the trail, before anything is
destroyed. Whoever erases or holds has proved a short while ago who they are.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response

from compliance.errors import NotFoundError
from services.hospital.accounts import SignedIn
from services.hospital.audited import Auditor, Caller
from services.hospital.chart import Charts
from services.hospital.erasure import REASONS, Erasures
from services.hospital.errors import StaleProofError
from services.hospital.holds import Holds
from services.hospital.portal.access import REQUESTS, REVIEWERS
from services.hospital.portal.errors import NoSuchPatientError
from services.hospital.portal.pages import Portal, see
from services.hospital.portal.texts import clean
from services.hospital.record_erasure import Plan, RecordErasures

MAX_NUMBER_CHARS = 100
MAX_REASON_CHARS = 400
RECEIPTS = 20
"""Receipts on the page, the newest first."""
DONE = frozenset({"erased", "placed", "lifted"})
Text = Annotated[str, Form()]


@dataclass(frozen=True)
class RequestsDesk:
    """What stands behind the pages.

    Attributes:
        charts: finds a person by number.
        records: erases health records.
        referrals: erases referrals, and keeps the receipts of both.
        holds: what must be kept.
        audit: of the hospital.
    """

    charts: Charts
    records: RecordErasures
    referrals: Erasures
    holds: Holds
    audit: Auditor


class RequestPages:
    """The pages, for `portal_router`.

    Args:
        desk: what stands behind them.
    """

    def __init__(self, desk: RequestsDesk) -> None:
        self._desk = desk

    def __call__(self, pages: APIRouter, _api: APIRouter, portal: Portal) -> None:
        """Add them."""
        _looking(pages, portal, self._desk)
        _erasing(pages, portal, self._desk)
        _holding(pages, portal, self._desk)


def _looking(pages: APIRouter, portal: Portal, desk: RequestsDesk) -> None:
    gate, look = portal.gate, portal.pages

    @pages.get("/requests")
    def start(request: Request, done: str = "") -> Response:
        """What can be asked for, what is held, and receipts of what was erased."""
        who, t = gate.let(request, REVIEWERS), look.translator(request)
        receipts = [json.loads(one) for one in desk.referrals.receipts()[:RECEIPTS]]
        return look.render(
            request, "requests", who, here=REQUESTS, title=t("requests.title"),
            holds=desk.holds.listing(), fresh=who.is_fresh(), reasons=REASONS,
            done=done if done in DONE else "", most=MAX_REASON_CHARS,
            receipts=[(one, json.dumps(one, indent=2)) for one in receipts],
        )  # fmt: skip

    @pages.post("/requests")
    def find(request: Request, csrf: Text = "", number: Text = "") -> Response:
        """Go on to what erasing would do for the person of this number."""
        gate.let_change(request, csrf, REVIEWERS)
        found = desk.charts.find(clean(number[:MAX_NUMBER_CHARS]).strip())
        if found is None:
            raise NoSuchPatientError("There is no such patient.")
        return see(f"{REQUESTS}/{found}")

    @pages.get("/requests/{id_}")
    def plan(request: Request, id_: str) -> Response:
        """What would go, what must stay and why; written to the trail before it is shown."""
        who, t = gate.let(request, REVIEWERS), look.translator(request)
        planned = _planned(desk, id_)
        desk.audit.planned(_caller(who), planned.patient)
        kinds = sorted(planned.resources.items(), key=lambda one: (-one[1], one[0]))
        return look.render(
            request, "request_erase", who, here=f"{REQUESTS}/{planned.patient}",
            title=t("requests.erase"), current=REQUESTS, plan=planned, kinds=kinds,
            fresh=who.is_fresh(), reasons=REASONS, most=MAX_REASON_CHARS,
        )  # fmt: skip


def _erasing(pages: APIRouter, portal: Portal, desk: RequestsDesk) -> None:
    @pages.post("/requests/{id_}/erase")
    def erase(
        request: Request, id_: str, csrf: Text = "", reason: Text = "", sure: Text = ""
    ) -> Response:
        """Destroy a person's record; what is held stays."""
        by, planned = _let(portal, request, csrf), _planned(desk, id_)
        if not sure:
            return see(f"{REQUESTS}/{planned.patient}")
        desk.records.erase(planned.patient, reason[:MAX_REASON_CHARS], by)
        return see(f"{REQUESTS}?done=erased")

    @pages.post("/requests/referral")
    def referral(
        request: Request, csrf: Text = "", referral: Text = "", reason: Text = "", sure: Text = ""
    ) -> Response:
        """Destroy one referral; what is held stays."""
        by, item = _let(portal, request, csrf), portal.item(referral.strip()[:36])
        if not sure:
            return see(REQUESTS)
        desk.referrals.erase(item.id, reason[:MAX_REASON_CHARS], by)
        return see(f"{REQUESTS}?done=erased")


def _holding(pages: APIRouter, portal: Portal, desk: RequestsDesk) -> None:
    @pages.post("/requests/holds")
    def place(
        request: Request, csrf: Text = "", number: Text = "", referral: Text = "", reason: Text = ""
    ) -> Response:
        """Keep a person's record, or a referral, until that is lifted."""
        by, why = _let(portal, request, csrf), clean(reason[:MAX_REASON_CHARS]).strip()
        if not why:
            return see(f"{REQUESTS}#hold")
        desk.holds.place(_subject(portal, desk, number, referral), why, by)
        return see(f"{REQUESTS}?done=placed")

    @pages.post("/requests/holds/lift")
    def lift(request: Request, csrf: Text = "", subject: Text = "") -> Response:
        """Keep something no longer than its time."""
        desk.holds.lift(subject[:MAX_NUMBER_CHARS], _let(portal, request, csrf))
        return see(f"{REQUESTS}?done=lifted")


def _let(portal: Portal, request: Request, csrf: str) -> Caller:
    """Let a privacy officer act who proved a short while ago who they are.

    Raises:
        StaleProofError: that is longer ago.
    """
    who = portal.gate.let_change(request, csrf, REVIEWERS)
    if not who.is_fresh():
        raise StaleProofError("Say again who you are.")
    return _caller(who)


def _caller(who: SignedIn) -> Caller:
    return Caller.user(who.user.id, who.user.role, who.client)


def _subject(portal: Portal, desk: RequestsDesk, number: str, referral: str) -> str:
    if referral.strip():
        return f"referral:{portal.item(referral.strip()[:36]).id}"
    found = desk.charts.find(clean(number[:MAX_NUMBER_CHARS]).strip())
    if found is None:
        raise NoSuchPatientError("There is no such patient.")
    return f"patient:{found}"


def _planned(desk: RequestsDesk, id_: str) -> Plan:
    try:
        return desk.records.plan(id_)
    except NotFoundError:
        raise NoSuchPatientError("There is no such patient.") from None
