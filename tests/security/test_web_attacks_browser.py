"""Attacks on both clients in a real Chromium, where the browser itself has a say."""

from __future__ import annotations

import os
import shutil

import httpx
import pytest
from playwright.sync_api import sync_playwright
from support.served import served
from support.stage import CITATION, DRAFT, PASSWORD, PERSON, a_device, a_hospital, lay

from patient_app.app import create as create_device
from services.hospital.app import create as create_hospital

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("web-attacks-browser")]
CHROMIUM = os.environ.get("CARETIER_CHROMIUM") or shutil.which("chromium") or None
EVIL = '</script><img src=x onerror="window.owned=1"><svg onload="window.owned=1">'
FACT = {"id": "f", "text": EVIL, "kind": EVIL, "date": "2026-10-01", "warning": True}
SOURCE = CITATION.model_copy(
    update={"title": EVIL, "source": EVIL, "quote": EVIL, "url": "javascript:window.owned=1"}
)
ANSWER = DRAFT.model_copy(
    update={
        "text": EVIL,
        "citations": (SOURCE,),
        "sentences": tuple(s.model_copy(update={"text": EVIL}) for s in DRAFT.sentences),
    }
)


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield made
        made.close()


@pytest.fixture(scope="module")
def portal(tmp_path_factory):
    """The portal on loopback with one referral that attacks: address, cookie, id."""
    with a_hospital(tmp_path_factory.mktemp("portal")) as hospital:
        id_ = lay(hospital, EVIL, draft=ANSWER)
        with served(
            lambda _: create_hospital(hospital.settings, hospital), lifespan="off"
        ) as address:
            token = hospital.accounts.sign_in("ana", PASSWORD)
            yield address, {"name": "caretier_portal", "value": token, "url": address}, id_


@pytest.fixture(scope="module")
def device(tmp_path_factory):
    """A device on loopback whose history attacks: address and cookie."""
    with a_device(tmp_path_factory.mktemp("device")) as here:
        kept = {
            "question": EVIL,
            "asked": "2026-11-21T10:00:00+00:00",
            "conversation": "talk",
            "answer": ANSWER.model_dump(mode="json"),
        }
        with here.members[PERSON].vault.write() as tx:
            tx.put("consult", "c1", kept)
        with served(lambda _: create_device(here.settings, here), lifespan="off") as address:
            form = {"person": PERSON, "passphrase": PASSWORD}
            value = httpx.post(f"{address}/unlock", data=form).cookies["caretier_device"]
            cookie = {"name": "caretier_device", "value": value, "url": address}
            yield address, cookie, str(here.settings.data.parent / "anchors")


@pytest.fixture
def page(browser):
    """A page that remembers what its policy had to refuse."""
    context = browser.new_context(service_workers="block")
    made = context.new_page()
    made.refused = []
    made.on(
        "console",
        lambda said: made.refused.append(said.text) if "Content Security" in said.text else None,
    )
    yield made
    context.close()


def test_xss_nothing_that_was_written_runs_in_the_portal(page, portal):
    address, cookie, id_ = portal
    page.context.add_cookies([cookie])
    for path in ("/portal/", f"/portal/referrals/{id_}", "/portal/patients/p07"):
        page.goto(address + path, wait_until="networkidle")
        assert page.evaluate("window.owned") is None, path
        assert page.locator("a[href^='javascript']").count() == 0
    assert page.refused == []  # nothing came as far as the policy


def test_xss_nothing_that_was_written_runs_in_the_patients_client(page, device):
    address, cookie = device[:2]
    page.context.add_cookies([cookie])
    for path in ("/", "/history", "/record", "/ledger", "/settings"):
        page.goto(address + path, wait_until="networkidle")
        for summary in page.locator("details > summary:visible").all():
            summary.click()
        assert page.evaluate("window.owned") is None, path
        assert page.locator("a[href^='javascript']").count() == 0
    assert page.refused == []


@pytest.mark.parametrize("client", ["portal", "device"])
def test_clickjacking_a_frame_on_another_site_stays_empty(page, client, request):
    address, cookie = request.getfixturevalue(client)[:2]
    path = {"portal": "/portal/", "device": "/"}[client]
    page.context.add_cookies([{**cookie, "sameSite": "None", "secure": False}])
    html = f"<iframe src='{address}{path}' width=600 height=400></iframe>"
    page.route(
        "http://evil.example/**", lambda route: route.fulfill(body=html, content_type="text/html")
    )
    page.goto("http://evil.example/", wait_until="networkidle")
    frame = page.frames[1]
    assert frame.url.startswith("chrome-error:") or frame.locator("body").inner_text() == ""
    assert frame.locator("main").count() == 0


def test_cache_of_protected_pages_back_after_signing_out_shows_nothing(page, portal):
    address = portal[0]
    page.goto(f"{address}/portal/sign-in")
    page.fill("[name=user]", "ana")
    page.fill("[name=password]", PASSWORD)
    page.click("main [type=submit]")
    page.wait_for_url("**/portal/")
    page.goto(f"{address}/portal/patients/p07")
    name = page.locator("h1").inner_text()
    page.click("#menu > summary")
    page.click("#sign-out [type=submit]")
    page.wait_for_url("**/sign-in*")
    page.go_back(wait_until="networkidle")
    assert "sign-in" in page.url
    assert name not in page.locator("body").inner_text()


def test_cache_of_protected_pages_back_after_locking_shows_nothing(page, device, monkeypatch):
    address, _, anchors = device
    monkeypatch.setenv("CARETIER_ANCHORS", anchors)
    page.goto(f"{address}/unlock")
    page.fill("[name=passphrase]", PASSWORD)
    page.click("main form [type=submit]")
    page.wait_for_url(f"{address}/")
    page.goto(f"{address}/history")
    page.click("form[action='/lock'] button")
    page.wait_for_url("**/unlock*")
    page.go_back(wait_until="networkidle")
    assert "unlock" in page.url


def test_cache_of_protected_pages_the_browser_keeps_files_and_no_answer(page, device):
    """What a service worker or a page put into the browser's own stores."""
    address, cookie = device[:2]
    page.context.add_cookies([cookie])
    for path in ("/", "/history", "/record", "/settings"):
        page.goto(address + path, wait_until="networkidle")
    kept = page.evaluate(
        "(async () => (await Promise.all((await caches.keys()).map(async (name) =>"
        " (await (await caches.open(name)).keys()).map((one) => new URL(one.url).pathname))"
        ")).flat())()"
    )
    assert [one for one in kept if one.startswith("/api/")] == []
