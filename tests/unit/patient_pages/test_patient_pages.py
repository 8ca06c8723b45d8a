"""Pages of the patient's client: who may see them, what they hold, what they refuse."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import get_args

import httpx
import pytest
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from compliance.consent import Purpose
from compliance.errors import BadInputError, CaretierError
from patient_app.newcomers import check_passphrase
from patient_app.pages import (
    LOCALE,
    NAVIGATION,
    SHARED_WORDS,
    STATIC,
    TEMPLATES,
    WORDS,
    PersonChoice,
    install,
)
from patient_app.unlocking import MAX_PASSPHRASE_CHARS, MAX_RECOVERY_CHARS
from patient_app.vault import VaultOuterKeyMissingError
from services.web.i18n import COMMON, LANGUAGES, Catalogue
from services.web.templating import STATIC as WEB_STATIC

PASSPHRASE = "correct horse"
CODE = "ABCDE-FGHJK"
PATHS = [path for path, _, _ in NAVIGATION]
KEEPERS = {"keep.js", "prefill.js"}
"""Modules that keep what is typed, in this tab alone, until it is sent or the record locked."""


@dataclass(frozen=True)
class Session:
    language: str = "en"
    person_label: str = 'Ana <script>alert("x")</script>'
    person_id: str = "p01"
    csrf: str = "token-of-the-session"
    reminds: bool = False


class WrongPassphraseError(CaretierError):
    kind = "vault-locked"
    status = 403
    remedy = "Check the passphrase and try again."


@dataclass
class FakeDevice:
    """A device in memory; the cookie `s` is the session."""

    language: str = "en"
    choices: list[PersonChoice] = field(
        default_factory=lambda: [PersonChoice("a", "Ana"), PersonChoice("b", 'Bo "<b>"')]
    )
    tried: list[tuple[str, str]] = field(default_factory=list)
    recoveries: list[str | None] = field(default_factory=list)
    moved: bool = False
    locked: int = 0

    def current(self, request: Request) -> Session | None:
        return Session(self.language) if request.cookies.get("s") else None

    def people(self) -> list[PersonChoice]:
        return self.choices

    def unlock(
        self,
        request: Request,
        response: Response,
        person_id: str,
        passphrase: str,
        recovery: str | None = None,
    ) -> None:
        self.tried.append((person_id, passphrase))
        self.recoveries.append(recovery)
        if self.moved and recovery is None:
            raise VaultOuterKeyMissingError("The outer key of this vault is not on this device.")
        if passphrase != PASSPHRASE:
            raise WrongPassphraseError("The passphrase does not open this record.")
        response.set_cookie("s", "1", httponly=True, samesite="strict")

    def recover(
        self,
        request: Request,
        response: Response,
        person_id: str,
        *,
        code: str,
        new: str,
        recovery: str | None = None,
    ) -> None:
        self.tried.append((person_id, code))
        self.recoveries.append(recovery)
        if self.moved and recovery is None:
            raise VaultOuterKeyMissingError("The outer key of this vault is not on this device.")
        check_passphrase(new, new, "Ana")
        if code != CODE:
            raise BadInputError("This recovery code does not open the record.")
        response.set_cookie("s", "1", httponly=True, samesite="strict")

    def lock(self, request: Request, response: Response) -> None:
        self.locked += 1
        response.delete_cookie("s")


@pytest.fixture
def device() -> FakeDevice:
    return FakeDevice()


@pytest.fixture
async def client(device):
    app = FastAPI()
    install(app, device)

    @app.exception_handler(CaretierError)
    async def problem(request: Request, error: CaretierError) -> JSONResponse:
        return JSONResponse({"type": error.kind}, error.status)

    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://device.test") as browser:
        yield browser


@pytest.fixture
async def inside(client):
    client.cookies.set("s", "1")
    return client


class Audit(HTMLParser):
    """Collects what a strict policy and accessibility forbid or need."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.ids: list[str] = []
        self.refers: list[str] = []
        self.headings: list[str] = []
        self.assets: list[str] = []

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.found += [f"{tag} {name}" for name in given if name == "style" or name[:2] == "on"]
        if tag == "style" or (tag == "script" and "src" not in given):
            self.found.append(tag)
        if "id" in given:
            self.ids.append(given["id"])
        names = (given.get(name) or "" for name in ("for", "aria-labelledby", "aria-describedby"))
        self.refers += " ".join(names).split()
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(tag)
        if tag in ("button", "a") and given.get("class", "").find("button--icon") >= 0:
            assert given.get("aria-label"), given
        if tag in ("script", "link"):
            self.assets.append(given.get("src") or given["href"])


def _audit(html: str) -> Audit:
    audit = Audit()
    audit.feed(html)
    return audit


@pytest.mark.parametrize("path", PATHS)
async def test_a_page_without_a_session_leads_to_the_passphrase(client, path):
    reply = await client.get(path)
    assert reply.status_code == 303
    assert reply.headers["location"].startswith("/unlock")
    assert reply.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("path", PATHS)
async def test_a_page_is_in_the_persons_language_and_is_never_cached(
    inside, device, path, language
):
    device.language = language
    reply = await inside.get(path)
    assert reply.status_code == 200
    assert reply.headers["cache-control"] == "no-store"
    assert reply.headers["content-language"] == language
    assert f'<html lang="{language}">' in reply.text


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("path", [*PATHS, "/unlock"])
async def test_a_page_needs_no_inline_script_or_style_and_its_labels_meet_their_controls(
    inside, device, path, language
):
    device.language = language
    audit = _audit((await inside.get(path, params={"lang": language})).text)
    assert audit.found == []
    assert len(audit.ids) == len(set(audit.ids))
    assert set(audit.refers) <= set(audit.ids)
    assert audit.headings.count("h1") == 1


@pytest.mark.parametrize("path", [*PATHS, "/unlock"])
async def test_everything_a_page_loads_is_served_by_the_device(inside, path):
    assets = set(_audit((await inside.get(path)).text).assets)
    for asset in assets - {"/api/record"}:  # which the record's page has fetched while it loads
        assert asset.startswith(("/static/", "/manifest.webmanifest", "/icons/"))
        assert (await inside.get(asset)).status_code == 200, asset


@pytest.mark.parametrize("path", PATHS)
async def test_the_page_marks_itself_in_the_navigation_and_carries_the_token(inside, path):
    html = (await inside.get(path)).text
    assert f'<a href="{path}" aria-current="page">' in html
    assert '<meta name="csrf" content="token-of-the-session">' in html


@pytest.mark.parametrize("path", PATHS)
async def test_the_name_of_the_person_cannot_become_markup(inside, path):
    html = (await inside.get(path)).text
    assert '<script>alert("x")' not in html
    assert "Ana &lt;script&gt;" in html


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("path", PATHS)
async def test_every_word_that_the_modules_of_a_page_use_is_handed_over(
    inside, device, path, language
):
    device.language = language
    html = (await inside.get(path)).text

    class Words(HTMLParser):
        text = "{}"

        def handle_starttag(self, tag, attrs):
            given = dict(attrs)
            if given.get("name") == "strings":
                self.text = given["content"]

    parser = Words()
    parser.feed(html)
    known = set(json.loads(parser.text))
    stems = known | {key.rsplit(".", 1)[0] for key in known}
    seen: set[str] = set()
    todo = [name for name in _audit(html).assets if name.endswith(".js")]
    while todo:
        name = todo.pop()
        if name in seen:
            continue
        seen.add(name)
        folder = STATIC if name.startswith("/static/patient/") else WEB_STATIC
        code = (folder / name.rsplit("/", 1)[1]).read_text("utf-8")
        base = name.rsplit("/", 1)[0]
        targets = re.findall(r'from "([^"]+)"', code)
        todo += [one if one.startswith("/") else f"{base}/{one[2:]}" for one in targets]
        for key in re.findall(r'\bt\(\s*"([\w.]+)"', code):
            # A module that pages share may hold words of another page; its section tells.
            if key.split(".")[0] in {*WORDS[path], *SHARED_WORDS}:
                assert key in stems, (name, key)


def test_both_languages_have_the_same_keys_and_places():
    words = Catalogue.load(COMMON, LOCALE).sentences
    place = re.compile(r"\{(\w+)\}")
    assert set(words["en"]) == set(words["es"])
    for key, text in words["en"].items():
        assert set(place.findall(text)) == set(place.findall(words["es"][key])), key
        assert text.strip()


def test_no_word_is_left_in_english_by_oversight():
    words = Catalogue.load(LOCALE).sentences
    same = {key for key, text in words["en"].items() if text == words["es"][key]}
    assert same <= {"offline.country_AU", "offline.country_IN", "visits.no"}


def test_templates_use_only_words_that_exist():
    known = Catalogue.load(COMMON, LOCALE).sentences["en"]
    for path in TEMPLATES.glob("*.html"):
        for key in re.findall(r"""\bt\(["']([\w.]+)["'][,)]""", path.read_text("utf-8")):
            assert key in known, (path.name, key)


async def test_the_form_offers_everyone_on_the_device_and_escapes_their_names(client):
    html = (await client.get("/unlock")).text
    assert html.count('type="radio"') == 2
    assert "Bo &#34;&lt;b&gt;&#34;" in html
    assert 'type="password"' in html
    assert 'autocomplete="current-password"' in html


async def test_one_person_needs_no_choice(client, device):
    device.choices = [PersonChoice("a", "Ana")]
    html = (await client.get("/unlock")).text
    assert 'type="radio"' not in html
    assert '<input type="hidden" name="person" value="a">' in html


async def test_a_device_without_a_record_says_so_instead_of_asking(client, device):
    device.choices = []
    html = (await client.get("/unlock")).text
    assert "No record on this device yet" in html
    assert 'type="password"' not in html


@pytest.mark.parametrize(
    ("header", "query", "language"),
    [("es-MX", "", "es"), ("en", "?lang=es", "es"), ("es", "?lang=en", "en"), ("fr", "", "en")],
)
async def test_the_form_speaks_the_browsers_language_or_the_chosen_one(
    client, header, query, language
):
    reply = await client.get(f"/unlock{query}", headers={"Accept-Language": header})
    assert f'<html lang="{language}">' in reply.text


async def test_the_right_passphrase_opens_the_page_that_was_asked_for(client, device):
    reply = await client.post(
        "/unlock", data={"person": "b", "passphrase": PASSPHRASE, "onward": "/ledger"}
    )
    assert (reply.status_code, reply.headers["location"]) == (303, "/ledger")
    assert "s=1" in reply.headers["set-cookie"]
    assert device.tried == [("b", PASSPHRASE)]


async def test_a_wrong_passphrase_shows_the_form_again_without_repeating_it(client):
    reply = await client.post("/unlock", data={"person": "b", "passphrase": "guess-4711"})
    assert reply.status_code == 403
    assert "does not open this record" in reply.text
    assert "Check the passphrase" in reply.text
    assert "guess-4711" not in reply.text
    assert re.search(r'value="b" required checked', reply.text)
    assert "set-cookie" not in reply.headers


async def test_a_form_without_fields_is_answered_with_the_form(client):
    assert (await client.post("/unlock")).status_code == 403


async def test_an_endless_passphrase_is_cut_before_it_is_hashed(client, device):
    await client.post("/unlock", data={"person": "a", "passphrase": "x" * 100_000})
    assert len(device.tried[0][1]) == MAX_PASSPHRASE_CHARS + 1


async def test_a_record_from_another_device_asks_for_its_recovery_text_and_opens_with_it(
    client, device
):
    device.moved = True
    form = {"person": "a", "passphrase": PASSPHRASE}
    reply = await client.post("/unlock", data=form)
    assert reply.status_code == 409
    assert '<details class="moved" open>' in reply.text
    reply = await client.post("/unlock", data={**form, "recovery": "  ABCDE-FGHIJ "})
    assert reply.status_code == 303
    assert device.recoveries == [None, "ABCDE-FGHIJ"]


async def test_the_field_for_a_recovery_text_is_folded_away_and_never_filled_in_again(client):
    assert '<details class="moved">' in (await client.get("/unlock")).text
    reply = await client.post(
        "/unlock", data={"person": "a", "passphrase": "guess", "recovery": "QWERT-4711X"}
    )
    assert '<details class="moved" open>' in reply.text
    assert "QWERT" not in reply.text


async def test_an_endless_recovery_text_is_cut(client, device):
    await client.post("/unlock", data={"person": "a", "recovery": "x" * 100_000})
    assert len(device.recoveries[0]) == MAX_RECOVERY_CHARS


@pytest.mark.parametrize("language", LANGUAGES)
async def test_each_purpose_of_a_consent_is_a_decision_of_its_own(inside, device, language):
    device.language = language
    html = (await inside.get("/settings")).text
    purposes = re.findall(r'data-purpose="([\w-]+)"', html)
    assert purposes == list(get_args(Purpose))
    assert html.count("data-allow") == len(purposes)


@pytest.mark.parametrize(
    "target",
    ["https://evil.test/", "//evil.test", "/\\evil.test", "javascript:alert(1)", "/api/erase", ""],
)
async def test_unlocking_never_leads_to_another_site(client, target):
    reply = await client.post(
        "/unlock", data={"person": "a", "passphrase": PASSPHRASE, "onward": target}
    )
    assert reply.headers["location"] == "/"
    assert "evil" not in (await client.get("/unlock", params={"next": target})).text


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "same-origin", "Origin": "null"}, 303),
        ({"Sec-Fetch-Site": "none"}, 303),
        ({"Origin": "http://device.test"}, 303),
        ({}, 303),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "http://evil.test"}, 403),
        ({"Origin": "null"}, 403),
    ],
)
async def test_a_form_from_another_site_opens_nothing(client, device, headers, status):
    reply = await client.post(
        "/unlock", data={"person": "a", "passphrase": PASSPHRASE}, headers=headers
    )
    assert reply.status_code == status
    assert bool(device.tried) == (status == 303)


async def test_locking_ends_the_session(inside, device):
    reply = await inside.post("/lock", data={"csrf": "token-of-the-session"})
    assert (reply.status_code, reply.headers["location"]) == (303, "/unlock")
    assert device.locked == 1


async def test_locking_takes_the_token_from_a_module_too(inside, device):
    await inside.post("/lock", headers={"X-CSRF-Token": "token-of-the-session"})
    assert device.locked == 1


@pytest.mark.parametrize("token", ["", "other", "tökén"])
async def test_locking_without_the_token_does_nothing(inside, device, token):
    assert (await inside.post("/lock", data={"csrf": token})).status_code == 403
    assert device.locked == 0


async def test_locking_without_a_session_just_leads_to_the_form(client, device):
    assert (await client.post("/lock")).headers["location"] == "/unlock"
    assert device.locked == 0


async def test_the_pages_stand_in_no_api_description(client):
    assert not (await client.get("/openapi.json")).json()["paths"]


@pytest.mark.parametrize("path", sorted(STATIC.glob("*.js")), ids=lambda path: path.name)
def test_a_module_never_writes_markup_and_keeps_nothing_in_the_browser(path):
    code = path.read_text("utf-8")
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(", code)
    assert not re.search(r"localStorage|indexedDB|document\.cookie", code)
    assert path.name in KEEPERS or "sessionStorage" not in code
    assert not re.search(r"\.style\b|console\.", code)


NEW = {"passphrase": "violet lantern over nine hills", "again": "violet lantern over nine hills"}


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_forgotten_passphrase_leads_to_the_form_for_the_code(client, language):
    assert "/recover?lang=" in (await client.get("/unlock", params={"lang": language})).text
    page = _audit((await client.get("/recover", params={"lang": language})).text)
    assert page.found == []
    assert len(page.ids) == len(set(page.ids))


async def test_the_right_code_opens_the_record_and_leads_to_making_another(client, device):
    reply = await client.post("/recover", data={"person": "a", "code": CODE, **NEW})
    assert (reply.status_code, reply.headers["location"]) == (303, "/recovery")
    assert device.tried == [("a", CODE)]


async def test_a_wrong_code_stands_there_to_be_corrected_and_the_passphrase_does_not(client):
    reply = await client.post("/recover", data={"person": "b", "code": "WRONG-00000", **NEW})
    assert reply.status_code == 422
    assert ">WRONG-00000</textarea>" in reply.text
    assert "violet" not in reply.text
    assert reply.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("form", "reason"),
    [
        (NEW | {"again": "another lantern over nine hills"}, "The two passphrases"),
        ({"passphrase": "short", "again": "short"}, "too short"),
        ({}, "too short"),
    ],
)
async def test_a_passphrase_that_cannot_be_used_is_told_and_the_code_is_not_used_up(
    client, form, reason
):
    reply = await client.post("/recover", data={"person": "a", "code": CODE, **form})
    assert reply.status_code == 422
    assert reason in reply.text


async def test_a_record_from_another_device_asks_for_its_text_beside_the_code(client, device):
    device.moved = True
    form = {"person": "a", "code": CODE, **NEW}
    assert 'name="recovery"' not in (await client.get("/recover")).text
    reply = await client.post("/recover", data=form)
    assert (reply.status_code, 'name="recovery"' in reply.text) == (409, True)
    assert (await client.post("/recover", data=form | {"recovery": " AB "})).status_code == 303
    assert device.recoveries == [None, "AB"]


async def test_what_is_endless_is_cut_in_the_form_for_a_code_too(client, device):
    form = {"person": "a", "code": "x" * 100_000, "recovery": "x" * 100_000, **NEW}
    await client.post("/recover", data=form)
    assert len(device.tried[0][1]) == len(device.recoveries[0]) == MAX_RECOVERY_CHARS


async def test_a_code_from_another_site_opens_nothing(client, device):
    form = {"person": "a", "code": CODE, **NEW}
    reply = await client.post("/recover", data=form, headers={"Sec-Fetch-Site": "cross-site"})
    assert (reply.status_code, device.tried) == (403, [])
