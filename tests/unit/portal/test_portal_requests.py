"""Erasing and holding at the portal: shown first, written down, and never by a stale session."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

import pytest

from compliance.audit import AuditError
from compliance.errors import NotFoundError
from services.hospital.audited import Auditor
from services.hospital.holds import Holds
from services.hospital.models import PortalSession
from services.hospital.portal import STATIC, portal_router
from services.hospital.portal.requests import RequestPages, RequestsDesk
from services.hospital.record_erasure import Plan
from services.web.app import create_app
from services.web.templating import mount_static


class Records:
    """Erasures that only remember."""

    def __init__(self):
        self.erased = []

    def plan(self, patient):
        if patient != "p1":
            raise NotFoundError("There is no such record.")
        return Plan(patient, {"Condition": 2}, 1, 3, ("North EHR",), held=False)

    def erase(self, patient, reason, by):
        self.erased.append((patient, reason, by.person.role))
        return {}


@pytest.fixture
def records():
    return Records()


@pytest.fixture
def written():
    return []


@pytest.fixture
def app(clinic, records, written):
    made, audit = create_app("Test hospital", ready=dict), Auditor(written.extend, "test")
    charts = SimpleNamespace(find=lambda number: "p1" if number == "MRN-1" else None)
    referrals = SimpleNamespace(receipts=list, erase=lambda *_: {})
    holds = Holds(clinic.database, audit)
    desk = RequestsDesk(charts, records, referrals, holds, audit)
    router = portal_router(
        clinic.accounts, clinic.desk, secure_cookies=False, audit_read=clinic.audit_read,
        more=(RequestPages(desk),),
    )  # fmt: skip
    made.include_router(router)
    mount_static(made, portal=STATIC)
    return made


@pytest.fixture
async def pri(open_browser):
    browser = open_browser()
    await browser.sign_in("pri")
    return browser


async def erase(browser, patient="p1", **more):
    fields = {"csrf": await browser.csrf(), "reason": "person", "sure": "sure", **more}
    return await browser.post(f"/portal/requests/{patient}/erase", fields)


def grow_stale(clinic):
    with clinic.database.transaction() as session:
        for one in session.query(PortalSession):
            one.proved -= timedelta(hours=1)


async def test_a_number_leads_to_what_would_go_which_is_written_down_first(pri, written):
    found = await pri.post("/portal/requests", {"csrf": await pri.csrf(), "number": "MRN-1"})
    assert found.headers["location"] == "/portal/requests/p1"
    page = (await pri.get("/portal/requests/p1")).text
    assert "2 entries, and 1 former versions" in page
    assert "North EHR" in page
    assert "Patient/p1" in str(written)
    assert "MRN-1" not in str(written)


async def test_what_cannot_be_written_down_is_not_shown(pri, written, monkeypatch, app):
    def fails(*_args):
        raise AuditError("full")

    monkeypatch.setattr(Auditor, "planned", fails)
    page = await pri.get("/portal/requests/p1")
    assert page.status_code >= 500
    assert "Condition" not in page.text


async def test_a_record_is_erased_by_a_fresh_session_that_is_sure(pri, records, clinic):
    assert (await erase(pri, sure="")).headers["location"] == "/portal/requests/p1"
    assert records.erased == []
    assert (await erase(pri)).headers["location"] == "/portal/requests?done=erased"
    assert records.erased == [("p1", "person", "privacy")]
    grow_stale(clinic)
    assert (await erase(pri)).status_code in {401, 403, 409}
    assert len(records.erased) == 1
    assert 'id="erase"' not in (await pri.get("/portal/requests/p1")).text


async def test_nobody_is_erased_of_whom_there_is_nothing(pri, records):
    assert (await erase(pri, "p2")).status_code == 404
    assert records.erased == []


async def test_a_hold_is_placed_with_a_reason_and_lifted(pri, written):
    fields = {"csrf": await pri.csrf(), "number": "MRN-1", "reason": "File 12/26"}
    await pri.post("/portal/requests/holds", fields)
    assert "patient:p1" in (await pri.get("/portal/requests")).text
    again = await pri.post("/portal/requests/holds", fields | {"reason": " "})
    assert again.headers["location"] == "/portal/requests#hold"
    await pri.post("/portal/requests/holds/lift", fields | {"subject": "patient:p1"})
    assert "Nothing is held" in (await pri.get("/portal/requests")).text
    assert "placed" in str(written)
    assert "lifted" in str(written)


async def test_a_referral_that_is_none_is_neither_held_nor_erased(pri):
    fields = {"csrf": await pri.csrf(), "referral": "x", "reason": "File", "sure": "sure"}
    for path in ("holds", "referral"):
        assert (await pri.post(f"/portal/requests/{path}", fields)).status_code == 404
