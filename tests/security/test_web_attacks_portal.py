"""Attacks on the clinicians' client, each on every address that the application has.

Addresses are read from the application, so a page that is new tomorrow is attacked tomorrow.
"""

from __future__ import annotations

import httpx
import pytest
from sqlalchemy import inspect, text
from support.addresses import addresses, injected, poisoned
from support.stage import CITATION, DRAFT, PASSWORD, PERSON, STAFF, a_hospital, lay

from services.fhir.sandbox import generate
from services.hospital.app import create
from services.hospital.portal import COOKIE

pytestmark = pytest.mark.xdist_group("web-attacks-portal")  # the hospital is made once
EVIL = (
    "</textarea></script><script>alert(1)</script><img src=x onerror=alert(1)>\" onfocus='alert(1)"
)
HOST = "http://localhost"
CHANGES = {"POST", "PUT", "PATCH", "DELETE"}
FOREIGN = {"sec-fetch-site": "cross-site", "origin": "https://evil.example"}
ANY = [*STAFF]


@pytest.fixture(scope="module")
def hospital(tmp_path_factory):
    """A hospital in which every text that anybody wrote is an attack."""
    with a_hospital(tmp_path_factory.mktemp("attacked")) as made:
        made.accounts.add_user("eve", PASSWORD, f"Dr. Eve {EVIL}", "clinician", acts_as=[])
        people = [poisoned(one, EVIL) for one in generate()]
        for one in people:
            if one["resourceType"] == "Patient":
                one["generalPractitioner"] = [{"reference": "Practitioner/ana"}]
        made.records.put_many(people)
        yield made


@pytest.fixture(scope="module")
def referral(hospital):
    """A referral whose words, draft and sources are attacks."""
    source = CITATION.model_copy(
        update={"title": EVIL, "source": EVIL, "quote": EVIL, "url": "javascript:alert(1)"}
    )
    draft = DRAFT.model_copy(
        update={
            "text": EVIL,
            "citations": (source,),
            "sentences": tuple(s.model_copy(update={"text": EVIL}) for s in DRAFT.sentences),
        }
    )
    return lay(hospital, EVIL, draft=draft)


@pytest.fixture(scope="module")
def app(hospital):
    return create(hospital.settings, hospital)


@pytest.fixture(scope="module")
def sessions(hospital):
    """A cookie of each user."""
    return {user: hospital.accounts.sign_in(user, PASSWORD) for user in (*ANY, "eve")}


def browser(app, token=None):
    cookies = {COOKIE: token} if token else {}
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url=HOST, cookies=cookies)


def portal_addresses(app, *methods):
    return [
        one
        for one in addresses(app)
        if one.method in methods and one.template.startswith(("/portal", "/oauth/authorize"))
    ]


def filled(one, referral):
    """An address with what there is: the person and the referral."""
    known = referral if "/referrals/" in one.template else PERSON
    return one.path(id_=known, person=PERSON, asked="general@1")


def snapshot(hospital):
    """Everything in the database but when a session or a person was last seen, and who tried."""
    engine, seen = hospital.database.engine, {}
    with engine.connect() as connection:
        for table in inspect(engine).get_table_names():
            if "session" in table or table.startswith("sqlite"):
                continue
            rows = connection.execute(text(f'SELECT * FROM "{table}"')).mappings()
            seen[table] = sorted(
                repr({name: value for name, value in row.items() if name != "last_seen"})
                for row in rows
            )
    return seen


# --- XSS


@pytest.mark.parametrize("user", [*ANY, "eve"])
async def test_xss_what_anybody_wrote_is_text_on_every_page(app, sessions, referral, user):
    found, shown = [], 0
    async with browser(app, sessions[user]) as client:
        for one in portal_addresses(app, "GET"):
            page = await client.get(filled(one, referral), follow_redirects=True)
            assert page.status_code < 500, one
            shown += "&lt;script&gt;alert(1)" in page.text
            if "html" in page.headers.get("content-type", ""):
                found += [f"{one}: {what}" for what in injected(page.text)]
                # A file to keep is opened without our style sheets, and brings its own.
                saved = page.headers.get("content-disposition", "").startswith("attachment")
                found = [what for what in found if not (saved and what == f"{one}: style")]
    assert found == []
    assert shown or user not in {"ana", "eve"}, "the attack stood on no page"


async def test_xss_what_an_address_or_a_form_holds_is_text_on_the_page_that_answers(
    app, sessions, referral
):
    found = []
    async with browser(app, sessions["ana"]) as client:
        for one in portal_addresses(app, "GET"):
            names = ("next", "state", "page", "q", "error", "signed", "kind", "urgency", "asked")
            page = await client.get(filled(one, referral), params=dict.fromkeys(names, EVIL))
            assert page.status_code < 500, one
            if "html" in page.headers.get("content-type", ""):
                found += [f"{one}: {what}" for what in injected(page.text)]
            odd = await client.get(one.path(**dict.fromkeys(one.places, "%3Cscript%3Ealert(1)")))
            assert odd.status_code < 500, one
            assert "html" not in odd.headers.get("content-type", "") or not injected(odd.text)
    sign_in = {"user": EVIL, "password": EVIL, "next": EVIL}
    async with browser(app) as stranger:
        page = await stranger.post("/portal/sign-in", data=sign_in)
    assert found + injected(page.text) == []


# --- CSRF


async def test_csrf_no_change_is_made_without_the_sessions_own_token(
    app, hospital, sessions, referral
):
    before, let_in = snapshot(hospital), []
    async with browser(app, sessions["pia"]) as other:
        page = (await other.get("/portal/reviews")).text
        theirs = page.partition('<meta name="csrf" content="')[2].partition('"')[0]
    assert theirs
    for user in ANY:
        async with browser(app, sessions[user]) as client:
            for one in portal_addresses(app, *CHANGES):
                for token in ("", "forged", theirs if user != "pia" else "x"):
                    answer = await attack(client, one, referral, token)
                    if not refused(answer):
                        let_in.append(f"{one} as {user}: {answer.status_code}")
    assert let_in == []
    assert snapshot(hospital) == before


async def test_csrf_another_site_makes_no_change_even_with_the_token(
    app, hospital, sessions, referral
):
    before, let_in = snapshot(hospital), []
    for user in ANY:
        async with browser(app, sessions[user]) as client:
            page = await client.get("/portal/", follow_redirects=True)
            token = page.text.partition('<meta name="csrf" content="')[2].partition('"')[0]
            assert token
            for one in portal_addresses(app, *CHANGES):
                answer = await attack(client, one, referral, token, FOREIGN)
                if not refused(answer):
                    let_in.append(f"{one} as {user}: {answer.status_code}")
    assert let_in == []
    assert snapshot(hospital) == before


async def test_csrf_no_address_that_only_reads_makes_a_change(app, hospital, sessions, referral):
    """What another site may ask for by a link or a picture: it may be written down, not changed."""
    written = {"audit", "notice", "seen", "opened", "activity"}
    before = snapshot(hospital)
    for user in ANY:
        async with browser(app, sessions[user]) as client:
            for one in portal_addresses(app, "GET"):
                if one.template not in {"/portal/launch", "/oauth/authorize"}:
                    await client.get(filled(one, referral))
    after = snapshot(hospital)
    changed = {name for name, rows in after.items() if rows != before.get(name)}
    assert not {name for name in changed if not any(word in name for word in written)}


async def attack(client, one, referral, token, headers=None):
    """Ask for a change as a page of another origin would."""
    path = filled(one, referral)
    sent = {"x-csrf-token": token, **(headers or {})}
    if "/api/" in path:
        body = {"text": "x", "version": 0}
        return await client.request(one.method, path, json=body, headers=sent)
    form = {"csrf": token, "text": "x", "version": "0", "user": "x", "to": "es"}
    return await client.request(one.method, path, data=form, headers=sent if headers else {})


def refused(answer):
    """Turned away, or led to where one signs in; never let through."""
    led = answer.headers.get("location", "").startswith("/portal/sign-in")
    return answer.status_code in {400, 401, 403, 422} or led


# --- clickjacking


async def test_clickjacking_no_page_may_stand_in_a_frame(app, sessions, referral):
    for user in (*ANY, None):
        async with browser(app, sessions.get(user)) as client:
            for one in addresses(app):
                if one.method != "GET" or one.template.startswith("/fhir/$"):
                    continue
                page = await client.get(filled(one, referral))
                assert "frame-ancestors 'none'" in page.headers["content-security-policy"], one
                assert page.headers["x-frame-options"] == "DENY", one


# --- session fixation


async def test_session_fixation_a_planted_cookie_never_becomes_a_session(app):
    async with browser(app, "planted-by-somebody") as client:
        form = {"user": "ana", "password": PASSWORD}
        answer = await client.post("/portal/sign-in", data=form)
        assert answer.status_code == 303
        assert answer.cookies[COOKIE] != "planted-by-somebody"
    async with browser(app, "planted-by-somebody") as attacker:
        assert (await attacker.get("/portal/api/session")).status_code == 401


async def test_session_fixation_signing_in_again_ends_the_session_before_it(app, hospital):
    mine = hospital.accounts.sign_in("omar", PASSWORD)
    async with browser(app, mine) as client:
        form = {"user": "ana", "password": PASSWORD}
        answer = await client.post("/portal/sign-in", data=form)
        assert answer.cookies[COOKIE] != mine
    async with browser(app, mine) as attacker:
        assert (await attacker.get("/portal/api/session")).status_code == 401


async def test_session_fixation_signing_out_ends_the_session_for_every_copy_of_it(app, hospital):
    mine = hospital.accounts.sign_in("ana", PASSWORD)
    async with browser(app, mine) as client:
        page = (await client.get("/portal/")).text
        token = page.partition('<meta name="csrf" content="')[2].partition('"')[0]
        await client.post("/portal/sign-out", data={"csrf": token})
    async with browser(app, mine) as copy:
        assert (await copy.get("/portal/api/session")).status_code == 401


# --- IDOR


async def test_idor_a_clinician_who_treats_nobody_reads_nothing_of_a_person(app, sessions):
    async with browser(app, sessions["eve"]) as client:
        for one in portal_addresses(app, "GET"):
            if "/patients/{" in one.template or "/export/{" in one.template:
                page = await client.get(filled(one, PERSON))
                assert page.status_code in {403, 404} or page.is_redirect, one
                assert f"{PERSON}-" not in page.text, one


async def test_idor_an_id_that_nobody_has_is_as_unknown_as_one_of_another_person(app, sessions):
    for user in ANY:
        async with browser(app, sessions[user]) as client:
            for one in portal_addresses(app, "GET"):
                if one.places:
                    page = await client.get(one.path())
                    assert page.status_code in {400, 401, 403, 404} or page.is_redirect, one


async def test_idor_a_role_is_shown_nothing_of_the_people_that_it_may_not_see(app, sessions):
    async with browser(app, sessions["omar"]) as client:
        for one in portal_addresses(app, "GET"):
            page = await client.get(filled(one, PERSON), follow_redirects=True)
            assert f"{PERSON}-" not in page.text, one


# --- open redirect

OUTSIDE = [
    "https://evil.example/", "//evil.example", "/\\evil.example", "\\\\evil.example",
    "/%2f%2fevil.example", "%2f%2fevil.example", "javascript:alert(1)", "/portal//evil.example/..",
    "/portal/@evil.example", "/portal/\r\nlocation: https://evil.example", "///evil.example",
    "https:evil.example", "/portal/../../evil.example", "\t//evil.example",
]  # fmt: skip
NAMES = ("next", "onward", "return", "return_to", "to", "url", "back", "here", "from")


def leads_outside(answer):
    """Whether an answer sends the browser anywhere but to this server."""
    onward = [answer.headers.get("location", ""), answer.headers.get("refresh", "")]
    local = [one == "" or (one.startswith("/") and one[1:2] not in {"/", "\\"}) for one in onward]
    return not all(local) or "evil.example" in "".join(onward)


@pytest.mark.parametrize("target", OUTSIDE)
async def test_open_redirect_no_address_leads_to_another_site(app, sessions, referral, target):
    async with browser(app, sessions["ana"]) as client:
        for one in portal_addresses(app, "GET"):
            answer = await client.get(filled(one, referral), params=dict.fromkeys(NAMES, target))
            assert not leads_outside(answer), one
            assert 'href="https://evil' not in answer.text
            assert 'href="//evil' not in answer.text


@pytest.mark.parametrize("target", OUTSIDE)
async def test_open_redirect_signing_in_and_choosing_a_language_lead_to_the_portal(
    app, hospital, target
):
    form = {"user": "ana", "password": PASSWORD, **dict.fromkeys(NAMES, target)}
    async with browser(app) as client:
        answer = await client.post("/portal/sign-in", data=form)
        assert answer.status_code == 303
        assert not leads_outside(answer)
        client.cookies.clear()
        answer = await client.post("/portal/language", data=form)
        assert not leads_outside(answer)


# --- cache of protected pages


async def test_cache_of_protected_pages_no_answer_with_data_may_be_kept(app, sessions, referral):
    for user in (*ANY, None):
        async with browser(app, sessions.get(user)) as client:
            for one in addresses(app):
                if one.method == "GET":
                    answer = await client.get(filled(one, referral))
                    assert "no-store" in kept(answer) or public(answer, one), one


def kept(answer):
    """What an answer says of being kept."""
    return answer.headers.get("cache-control", "")


def public(answer, one):
    """Addresses of which nothing is anybody's: metadata of OAuth, keys, software."""
    return one.template.startswith(("/oauth/jwks", "/.well-known", "/fhir/.well-known")) or (
        one.template.startswith(("/bricks/", "/oauth/style", "/fhir/metadata"))
        and answer.status_code < 400
    )


def test_the_attack_itself_would_be_seen():
    assert injected(f"<p>{EVIL}</p>") == ["script", "onerror"]
