"""Attacks on the portal, each named after what it tries."""

from __future__ import annotations

from datetime import timedelta
from html.parser import HTMLParser
from uuid import uuid4

import httpx
import pytest

from compliance.audit import AuditError
from services.consult.messages import Citation, Fact, Sentence, Step, Triage, Turn
from services.hospital.accounts import FAILURES_BEFORE_LOCK
from services.hospital.models import User
from services.hospital.portal import COOKIE, portal_router
from services.hospital.portal.access import HOME, local
from services.web.app import create_app

SCRIPT = '</textarea><script>alert(1)</script><img src=x onerror=alert(1)>" onfocus="alert(1)'


class _Injected(HTMLParser):
    """Collects what an injection would add: inline scripts, handlers, styles, foreign elements."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag, attrs):
        names = [name for name, _ in attrs]
        inline = tag == "script" and "src" not in names
        if inline or tag in {"img", "style", "iframe", "object", "base"}:
            self.found.append(tag)
        self.found += [name for name in names if name.startswith("on") or name == "style"]


def injected(page: str) -> list[str]:
    """What in a page no template of ours has put there."""
    parser = _Injected()
    parser.feed(page)
    parser.close()
    return parser.found


async def test_markup_in_the_question_stays_text(ana, clinic):
    id_ = clinic.refer(
        SCRIPT,
        history=(Turn(role="patient", text=SCRIPT),),
        facts=(Fact(id="x", kind=SCRIPT, text=SCRIPT, date=SCRIPT, warning=True),),
    )
    for path in (HOME, f"/portal/referrals/{id_}"):
        page = (await ana.get(path)).text
        assert "&lt;script&gt;alert(1)" in page
        assert injected(page) == []


async def test_markup_in_the_draft_and_its_sources_stays_text(ana, clinic):
    source = Citation(id=SCRIPT, title=SCRIPT, source=SCRIPT, date=SCRIPT, quote=SCRIPT)
    draft = clinic.drafted(
        text=SCRIPT,
        sentences=(Sentence(text=SCRIPT, citations=(SCRIPT,)),),
        citations=(source,),
        experts=(SCRIPT,),
        trace=(Step(step=SCRIPT, ms=1, detail={SCRIPT: SCRIPT}),),
        triage=Triage(level="emergency", rule=SCRIPT, advice=SCRIPT, source=SCRIPT),
    )
    id_ = clinic.refer(urgency="emergency", draft=draft)
    page = (await ana.get(f"/portal/referrals/{id_}")).text
    assert page.count("&lt;script&gt;alert(1)") > 8
    assert injected(page) == []


@pytest.mark.parametrize("scheme", ["javascript:alert(1)", "data:text/html,x", "//evil.example"])
async def test_a_source_with_a_script_for_an_address_is_no_link(ana, clinic, scheme):
    source = Citation(id="flu-1", title="Bad", source="s", url=scheme, quote="q")
    id_ = clinic.refer(draft=clinic.drafted(citations=(source,)))
    page = (await ana.get(f"/portal/referrals/{id_}")).text
    assert scheme not in page


async def test_a_display_name_with_markup_stays_text(open_browser, clinic):
    clinic.accounts.add_user("eve", "a long enough password", SCRIPT, "clinician")
    browser = open_browser()
    await browser.sign_in("eve")
    assert injected((await browser.get(HOME)).text) == []


async def test_markup_in_a_saved_reply_stays_inside_the_text_area(ana, clinic):
    id_ = clinic.refer()
    assert (await ana.save(id_, SCRIPT)).status_code == 200
    page = (await ana.get(f"/portal/referrals/{id_}")).text
    assert page.count("</textarea>") == 1
    assert injected(page) == []


def test_the_check_itself_sees_an_injection():
    assert injected(SCRIPT) == ["script", "img", "onerror"]
    assert injected('<p style="x">') == ["style"]


@pytest.mark.parametrize("path", [HOME, "/portal/sign-in", "/portal/system"])
async def test_no_page_can_be_framed_or_run_foreign_script(ana, path):
    headers = (await ana.get(path)).headers
    policy = headers["content-security-policy"]
    assert "frame-ancestors 'none'" in policy
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert headers["x-frame-options"] == "DENY"


async def test_pages_hold_no_inline_script_style_or_handler(ana, clinic):
    id_ = clinic.refer(urgency="emergency")
    for path in (HOME, f"/portal/referrals/{id_}", "/portal/system", "/portal/nothing"):
        assert injected((await ana.get(path)).text) == []


async def test_protected_pages_are_never_cached(ana, clinic):
    id_ = clinic.refer()
    for path in (HOME, f"/portal/referrals/{id_}", "/portal/system", "/portal/api/counts"):
        assert (await ana.get(path)).headers["cache-control"] == "no-store"


@pytest.mark.parametrize("token", [None, "", "wrong", "é" * 20])
async def test_a_reply_without_the_sessions_token_is_not_signed(ana, clinic, token):
    id_ = clinic.refer()
    form = {"version": "0", "text": "Rest."} | ({} if token is None else {"csrf": token})
    refused = await ana.post(f"/portal/referrals/{id_}/sign", form)
    assert refused.status_code == 403
    assert clinic.desk.item(id_).state == "open"
    assert clinic.reply(id_) is None


@pytest.mark.parametrize("headers", [{}, {"X-CSRF-Token": "wrong"}])
async def test_a_text_without_the_sessions_token_is_not_saved(ana, clinic, headers):
    id_ = clinic.refer()
    refused = await ana.save(id_, "x", headers=headers)
    assert refused.status_code == 403
    assert refused.headers["content-type"] == "application/problem+json"
    assert clinic.desk.item(id_).version == 0


async def test_another_clinicians_token_is_not_good(ana, open_browser, clinic):
    id_, bo = clinic.refer(), open_browser()
    await bo.sign_in("bo")
    form = {"csrf": await bo.csrf(), "version": "0", "text": "Rest."}
    assert (await ana.post(f"/portal/referrals/{id_}/sign", form)).status_code == 403


async def test_another_site_cannot_sign_somebody_out(ana):
    assert (await ana.post("/portal/sign-out", {"csrf": "wrong"})).status_code == 403
    assert (await ana.get(HOME)).status_code == 200


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
async def test_a_form_from_another_site_is_refused_even_with_the_token(ana, clinic, site):
    id_, csrf = clinic.refer(), await ana.csrf()
    ana.http.headers["Sec-Fetch-Site"] = site
    form = {"csrf": csrf, "version": "0", "text": "Rest.", "to": "es"}
    body = {"text": "x", "version": 0}
    token = {"X-CSRF-Token": csrf}
    save = await ana.post(f"/portal/api/referrals/{id_}/save", json=body, headers=token)
    assert save.status_code == 403
    for path in (f"referrals/{id_}/sign", "sign-out", "language", "sign-in"):
        assert (await ana.post(f"/portal/{path}", form)).status_code == 403
    assert clinic.desk.item(id_).version == 0


async def test_without_fetch_metadata_the_origin_decides(ana, clinic):
    id_, csrf = clinic.refer(), await ana.csrf()
    del ana.http.headers["Sec-Fetch-Site"]
    form = {"csrf": csrf, "version": "0", "text": "Rest."}
    path = f"/portal/referrals/{id_}/sign"
    foreign = await ana.post(path, form, headers={"Origin": "https://evil.example"})
    assert foreign.status_code == 403
    own = await ana.post(path, form, headers={"Origin": "http://localhost"})
    assert own.status_code == 303


async def test_a_session_id_that_was_planted_is_not_taken_over(open_browser):
    browser = open_browser()
    browser.http.cookies.set(COOKIE, "planted", domain="localhost.local")
    answer = await browser.sign_in("ana")
    fresh = answer.cookies[COOKIE]
    assert fresh != "planted"
    assert len(fresh) > 40


async def test_signing_in_again_ends_the_former_session(ana, app, clinic):
    former = ana.http.cookies[COOKIE]
    await ana.sign_in("bo")
    assert ana.http.cookies[COOKIE] != former
    assert clinic.accounts.signed_in(former) is None


async def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(open_browser):
    cookie = (await open_browser().sign_in("ana")).headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert "path=/;" in cookie + ";"
    assert "secure" not in cookie


async def test_behind_tls_the_cookie_is_secure(clinic):
    app = create_app("Test", ready=dict)
    router = portal_router(
        clinic.accounts, clinic.desk, secure_cookies=True, audit_read=clinic.audit_read
    )
    app.include_router(router)
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="https://localhost") as http:
        form = {"user": "ana", "password": "a long enough password"}
        answer = await http.post("/portal/sign-in", data=form)
    assert "secure" in answer.headers["set-cookie"].lower()


async def test_signing_out_ends_the_session_on_the_server(ana, clinic):
    token = ana.http.cookies[COOKIE]
    answer = await ana.post("/portal/sign-out", {"csrf": await ana.csrf()})
    assert answer.headers["location"] == "/portal/sign-in"
    assert clinic.accounts.signed_in(token) is None
    ana.http.cookies.set(COOKIE, token, domain="localhost.local")
    assert (await ana.get(HOME)).status_code == 303


@pytest.mark.parametrize(
    "onward",
    [
        "https://evil.example/",
        "//evil.example/portal/",
        "/\\evil.example",
        "/portal/../fhir/Patient",
        "/portal/sign-out",
        "javascript:alert(1)",
        "/portal/referrals/x",
        "/portal/?state=open\r\nSet-Cookie: a=b",
        "/portal/\n",
        "",
    ],
)
async def test_signing_in_leads_nowhere_but_to_the_portal(open_browser, onward):
    assert local(onward) == HOME
    answer = await open_browser().sign_in("ana", next=onward)
    assert answer.headers["location"] == HOME
    page = await open_browser().get("/portal/sign-in", params={"next": onward})
    assert '<input type="hidden" name="next" value="/portal/">' in page.text


@pytest.mark.parametrize(
    "onward",
    [
        "/portal/",
        "/portal/system",
        "/portal/?state=signed&page=2",
        "/portal/referrals/0f0f0f0f-0000-4000-8000-000000000000",
    ],
)
async def test_signing_in_leads_on_to_the_page_that_was_asked_for(open_browser, onward):
    answer = await open_browser().sign_in("ana", next=onward)
    assert answer.headers["location"] == onward


@pytest.mark.parametrize(
    "id_",
    [
        "5d0c3f0e-6a5f-4b8e-9a64-0d9f3a1c2b77",
        "1",
        "..%2F..%2Fetc",
        "%00",
        "' or 1=1 --",
        "0" * 5000,
        "Referral/1",
    ],
)
async def test_a_guessed_id_looks_like_nothing(ana, clinic, id_):
    clinic.refer()
    answer = await ana.get(f"/portal/referrals/{id_}")
    assert answer.status_code == 404
    assert clinic.reads == []


async def test_a_guessed_id_can_neither_be_saved_nor_signed(ana):
    assert (await ana.save(str(uuid4()), "x")).status_code == 404
    assert (await ana.save("1", "x")).status_code == 404
    assert (await ana.sign(str(uuid4()), "x")).status_code == 404


async def test_five_wrong_passwords_lock_the_account_even_for_the_right_one(open_browser):
    browser = open_browser()
    for _ in range(FAILURES_BEFORE_LOCK):
        assert (await browser.sign_in("ana", "wrong password")).status_code == 401
    answer = await browser.sign_in("ana")
    assert answer.status_code == 401
    assert COOKIE not in answer.cookies
    assert (await browser.sign_in("bo")).status_code == 303


async def test_wrong_passwords_of_strangers_do_not_keep_out_a_browser_that_signed_in(open_browser):
    own, stranger = open_browser(), open_browser()
    assert (await own.sign_in("ana")).status_code == 303
    for _ in range(FAILURES_BEFORE_LOCK):
        assert (await stranger.sign_in("ana", "wrong password")).status_code == 401
    assert (await stranger.sign_in("ana")).status_code == 401
    assert (await own.sign_in("ana")).status_code == 303


async def test_wrong_name_and_wrong_password_look_alike(open_browser):
    def told(answer: httpx.Response) -> str:
        return answer.text

    browser = open_browser()
    name = told(await browser.sign_in("nobody", "wrong password"))
    password = told(await browser.sign_in("ana", "wrong password"))
    assert name == password
    assert "nobody" not in name
    assert "wrong password" not in password


async def test_a_session_that_was_left_alone_is_over(clinic, open_browser, monkeypatch):
    browser, id_ = open_browser(), clinic.refer()
    await browser.sign_in("ana")
    monkeypatch.setattr(clinic.accounts, "_idle", timedelta(seconds=-1))
    page = await browser.get(f"/portal/referrals/{id_}")
    assert page.headers["location"] == f"/portal/sign-in?next=/portal/referrals/{id_}"
    assert clinic.reads == []


async def test_a_disabled_account_is_out_at_once(ana, clinic):
    with clinic.database.transaction() as session:
        user = next(u for u in clinic.accounts.users() if u.username == "ana")
        session.get_one(User, user.id).disabled = True
    assert (await ana.get(HOME)).status_code == 303


async def test_what_cannot_be_audited_is_not_shown(ana, clinic):
    id_ = clinic.refer("A secret ailment")
    clinic.audit_fails = AuditError("The disk is full.")
    answer = await ana.get(f"/portal/referrals/{id_}")
    assert answer.status_code == AuditError.status
    assert "secret ailment" not in answer.text


async def test_every_opening_is_audited_with_the_reader(ana, clinic):
    id_ = clinic.refer()
    await ana.get(f"/portal/referrals/{id_}")
    await ana.get(f"/portal/referrals/{id_}")
    assert clinic.reads == [("ana", id_), ("ana", id_)]
