"""Attacks on the patient's client, each on every address that the application has."""

from __future__ import annotations

import httpx
import pytest
from support.addresses import addresses, injected
from support.stage import PASSWORD, a_device, record_of

from patient_app.app import create
from patient_app.sessions import COOKIE

pytestmark = pytest.mark.xdist_group("web-attacks-device")  # the device is made once
EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(1)>\" onfocus='alert(1)"
HOST = "http://localhost"
MINE, THEIRS = "p07", "p01"
CHANGES = {"POST", "PUT", "PATCH", "DELETE"}
FOREIGN = {"sec-fetch-site": "cross-site", "origin": "https://evil.example"}
OPEN = {"/unlock", "/recover", "/healthz", "/readyz", "/metrics", "/openapi.json", "/record/back"}
SECRET = "only-in-the-other-vault"
KINDS = (
    "consult",
    "preview",
    "consent",
    "ledger",
    "medicine",
    "reminder",
    "visit",
    "own",
    "record",
)


@pytest.fixture(scope="module")
def device(tmp_path_factory):
    """Two people; the other one's vault holds something of each kind under a known id."""
    with a_device(tmp_path_factory.mktemp("attacked"), (MINE, THEIRS)) as made:
        with made.members[THEIRS].vault.write() as tx:
            for kind in KINDS:
                tx.put(kind, f"their-{kind}", {"question": SECRET, "asked": "2026-11-21T10:00:00Z",
                                               "conversation": "talk", "answer": {}})  # fmt: skip
        yield made


@pytest.fixture(autouse=True)
def anchors(device, monkeypatch):
    """Where the device's vaults are anchored, in each test."""
    monkeypatch.setenv("CARETIER_ANCHORS", str(device.settings.data.parent / "anchors"))


@pytest.fixture(scope="module")
def app(device):
    return create(device.settings, device)


def browser(app, cookie=None):
    cookies = {COOKIE: cookie} if cookie else {}
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url=HOST, cookies=cookies)


async def unlocked(app, person=MINE):
    """A browser with a session, and the token of its pages."""
    client = browser(app)
    answer = await client.post("/unlock", data={"person": person, "passphrase": PASSWORD})
    assert answer.status_code == 303
    page = (await client.get("/settings")).text
    token = page.partition('<meta name="csrf" content="')[2].partition('"')[0]
    assert token
    return client, token


def ours(app, *methods):
    return [one for one in addresses(app) if one.method in methods]


def contents(device):
    """What both vaults hold."""
    found = {}
    for person, member in device.members.items():
        kinds = (*KINDS, "profile", "brick", "keys", "map", "outbox", "connection", "signal")
        found[person] = {kind: sorted(map(repr, member.vault.items(kind))) for kind in kinds}
    return found, device.people()


async def test_xss_what_an_address_or_a_form_holds_is_text_on_every_page(app):
    client, _ = await unlocked(app)
    found = []
    for one in ours(app, "GET"):
        names = ("next", "lang", "state", "code", "error", "iss", "q", "person", "text")
        page = await client.get(one.path(), params=dict.fromkeys(names, EVIL))
        assert page.status_code < 500, one
        if "html" in page.headers.get("content-type", ""):
            found += [f"{one}: {what}" for what in injected(page.text)]
    form = {"person": EVIL, "passphrase": EVIL, "recovery": EVIL, "onward": EVIL}
    page = await client.post("/unlock", data=form)
    assert found + injected(page.text) == []
    await client.aclose()


async def test_csrf_no_change_is_made_without_the_sessions_own_token(app, device):
    client, _ = await unlocked(app)
    other, theirs = await unlocked(app, THEIRS)
    before, let_in = contents(device), []
    for one in ours(app, *CHANGES):
        if one.template == "/unlock":
            continue
        for token in ("", "forged", theirs):
            answer = await client.request(
                one.method, one.path(), json={}, headers={"x-csrf-token": token}
            )
            if answer.status_code not in {401, 403, 422}:
                let_in.append(f"{one}: {answer.status_code}")
    assert let_in == []
    assert contents(device) == before
    assert (await client.get("/api/profile")).status_code == 200
    await client.aclose()
    await other.aclose()


async def test_csrf_another_site_opens_no_record(app):
    async with browser(app) as client:
        form = {"person": MINE, "passphrase": PASSWORD}
        answer = await client.post("/unlock", data=form, headers=FOREIGN)
        assert answer.status_code == 403
        assert COOKIE not in answer.cookies


async def test_csrf_no_address_that_only_reads_makes_a_change(app, device):
    client, _ = await unlocked(app)
    before = contents(device)
    for one in ours(app, "GET"):
        await client.get(one.path())
    assert contents(device) == before
    await client.aclose()


async def test_clickjacking_no_page_may_stand_in_a_frame(app):
    client, _ = await unlocked(app)
    for one in ours(app, "GET"):
        page = await client.get(one.path())
        assert "frame-ancestors 'none'" in page.headers["content-security-policy"], one
        assert page.headers["x-frame-options"] == "DENY", one
    await client.aclose()


async def test_session_fixation_a_planted_cookie_never_becomes_a_session(app):
    async with browser(app, "planted") as client:
        form = {"person": MINE, "passphrase": PASSWORD}
        answer = await client.post("/unlock", data=form)
        assert answer.cookies[COOKIE] != "planted"
    async with browser(app, "planted") as attacker:
        assert (await attacker.get("/api/profile")).status_code == 401


async def test_session_fixation_locking_ends_the_session_for_every_copy_of_it(app, device):
    client, token = await unlocked(app)
    copy = client.cookies[COOKIE]
    await client.post("/lock", data={"csrf": token})
    async with browser(app, copy) as attacker:
        assert (await attacker.get("/api/profile")).status_code == 401
    device.unlock(MINE, PASSWORD)
    await client.aclose()


async def test_idor_the_session_of_one_person_reaches_nothing_of_another(app, device):
    client, token = await unlocked(app)
    before = contents(device)[0][THEIRS]
    headers = {"x-csrf-token": token, "x-caretier-person": THEIRS}
    for one in ours(app, "GET", *CHANGES):
        if not one.places or one.template.startswith("/static"):
            continue
        for kind in KINDS:
            path = one.path(**dict.fromkeys(one.places, f"their-{kind}"))
            answer = await client.request(one.method, path, headers=headers)
            assert answer.status_code < 500, one
            assert SECRET not in answer.text, one
    for one in ours(app, "GET"):
        answer = await client.get(one.path(), headers=headers)
        assert SECRET not in answer.text, one
        assert f"{THEIRS}-" not in answer.text, one
    assert contents(device)[0][THEIRS] == before
    await client.aclose()


async def test_idor_without_a_session_no_address_tells_of_anybody(app):
    assert record_of(THEIRS)
    async with browser(app) as stranger:
        for one in ours(app, "GET"):
            answer = await stranger.get(one.path())
            away = answer.status_code in {401, 403, 404} or answer.is_redirect
            assert away or one.template in OPEN or harmless(answer), one
            assert SECRET not in answer.text, one


def harmless(answer):
    """A page or file that is the same for everybody: it names nobody."""
    return "no-store" not in answer.headers["cache-control"] or MINE not in answer.text


OUTSIDE = [
    "https://evil.example/", "//evil.example", "/\\evil.example", "\\\\evil.example",
    "/%2f%2fevil.example", "%2f%2fevil.example", "javascript:alert(1)", "///evil.example",
    "https:evil.example", "/record/../../evil.example", "\t//evil.example", "/record//evil.example",
]  # fmt: skip
NAMES = ("next", "onward", "return", "to", "url", "back", "lang", "state", "iss", "code", "error")


def leads_outside(answer):
    """Whether an answer sends the browser anywhere but to this device."""
    place = answer.headers.get("location", "")
    refresh = answer.headers.get("refresh", "").partition("url=")[2]
    local = [one == "" or (one.startswith("/") and one[1:2] not in {"/", "\\"})
             for one in (place, refresh)]  # fmt: skip
    return not all(local)


@pytest.mark.parametrize("target", OUTSIDE)
async def test_open_redirect_no_address_leads_to_another_site(app, target):
    client, _ = await unlocked(app)
    for one in ours(app, "GET"):
        answer = await client.get(one.path(), params=dict.fromkeys(NAMES, target))
        assert not leads_outside(answer), one
        assert 'href="https://evil' not in answer.text
        assert 'href="//evil' not in answer.text
    form = {"person": MINE, "passphrase": PASSWORD, **dict.fromkeys(NAMES, target)}
    answer = await client.post("/unlock", data=form)
    assert answer.status_code == 303
    assert not leads_outside(answer)
    await client.aclose()


async def test_cache_of_protected_pages_no_answer_with_data_may_be_kept(app):
    client, _ = await unlocked(app)
    for one in ours(app, "GET"):
        answer = await client.get(one.path())
        kept = "no-store" not in answer.headers["cache-control"]
        assert not kept or (MINE not in answer.text and "csrf" not in answer.text), one
        assert not kept or not one.template.startswith("/api/"), one
    await client.aclose()
