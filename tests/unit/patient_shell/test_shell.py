"""What a browser installs: manifest, icons, service worker, and the page without a server."""

from __future__ import annotations

import json
import re
import struct
import zlib

import httpx
import pytest
from fastapi import FastAPI

from patient_app.icons import ICONS, draw
from patient_app.pages import install
from patient_app.redflags import SHOWN, red_flags


class _Nobody:
    def current(self, request):
        return None

    def people(self):
        return []


@pytest.fixture
async def browser():
    app = FastAPI()
    install(app, _Nobody())
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://device.test") as client:
        yield client


def _shell(script: str) -> dict:
    return json.loads(re.match(r"self\.SHELL = (.*);\n", script)[1])


@pytest.mark.parametrize("language", ["en", "es"])
async def test_the_manifest_speaks_the_language_of_the_page_and_its_icons_are_there(
    browser, language
):
    reply = await browser.get("/manifest.webmanifest", params={"lang": language})
    assert reply.headers["content-type"] == "application/manifest+json"
    told = reply.json()
    assert (told["lang"], told["id"], told["display"]) == (language, "/", "standalone")
    assert {one["purpose"] for one in told["icons"]} == {"any", "maskable"}
    assert {one["url"] for one in told["shortcuts"]} == {"/", "/history", "/record"}
    for one in told["icons"]:
        assert (await browser.get(one["src"])).headers["content-type"] == one["type"]


@pytest.mark.parametrize("name", ICONS)
def test_an_icon_is_a_png_of_the_size_that_the_manifest_says(name):
    image = draw(name)
    size, maskable = ICONS[name]
    assert struct.unpack(">II", image[16:24]) == (size, size)
    at = image.index(b"IDAT") + 4
    length = struct.unpack(">I", image[at - 8 : at - 4])[0]
    rows = zlib.decompress(image[at : at + length])
    assert len(rows) == size * (4 * size + 1)
    # A mask may cut the corner of one icon; that of the other is round already.
    assert rows[4] == (255 if maskable else 0)


async def test_an_icon_of_another_name_is_not_there(browser):
    assert (await browser.get("/icons/secret.png")).status_code == 404


async def test_the_worker_keeps_files_of_the_design_and_pages_that_know_nobody_alone(browser):
    reply = await browser.get("/service-worker.js")
    assert reply.headers["content-type"].startswith("text/javascript")
    assert reply.headers["cache-control"] == "no-cache"
    shell = _shell(reply.text)
    assert shell["files"]
    assert all(re.match(r"/static/(patient|caretier)/v-", one) for one in shell["files"])
    assert shell["offline"] == {"en": "/offline?lang=en", "es": "/offline?lang=es"}
    for address in (*shell["files"], *shell["offline"].values()):
        assert (await browser.get(address)).status_code == 200, address


@pytest.mark.parametrize("language", ["en", "es"])
async def test_the_page_without_a_server_gives_the_rules_own_advice_and_needs_no_session(
    browser, language
):
    reply = await browser.get("/offline", params={"lang": language})
    assert reply.status_code == 200
    assert f'<html lang="{language}">' in reply.text
    assert 'href="tel:112"' in reply.text
    assert reply.text.count("redflag") == len(SHOWN)
    for flag in red_flags(language):
        assert flag.advice.split("{")[0].split("'")[0] in reply.text
    assert "{emergency_number}" not in reply.text
    assert 'name="csrf" content=""' in reply.text
