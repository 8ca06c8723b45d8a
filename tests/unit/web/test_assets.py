"""Files that pages load: bundled, packed, and kept for good under an address with a version."""

from __future__ import annotations

import gzip
import html
import re
from pathlib import Path

import httpx
import pytest

from services.web.app import create_app
from services.web.assets import ASK_FIRST, FOR_GOOD, SHARED, Asset, Assets, assets, versioned
from services.web.templating import mount_static, quoted, templates


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "page.js").write_text(
        'import { t } from "/static/caretier/i18n.js";\nimport { a } from "./part.js";\n', "utf-8"
    )
    (tmp_path / "part.js").write_text('import { h } from "./more.js";\n', "utf-8")
    (tmp_path / "more.js").write_text("export const h = 1;\n", "utf-8")
    (tmp_path / "icons").mkdir()
    (tmp_path / "icons" / "one.png").write_bytes(b"\x89PNG" + b"\0" * 400)
    return tmp_path


@pytest.fixture
def made(folder: Path) -> Assets:
    return Assets("own", folder, assets("caretier", SHARED))


@pytest.fixture
def client(folder: Path) -> httpx.AsyncClient:
    app = create_app("t", ready=dict)
    mount_static(app, own=folder)
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app),
        base_url="http://localhost",
        headers={"accept-encoding": "identity"},
    )


def test_the_style_sheet_is_one_file_with_each_layer_in_its_place():
    css = assets("caretier", SHARED).files["caretier.css"].content.decode()
    assert "@import" not in css
    layers = re.findall(r"@layer ([\w-]+) \{", css)
    assert layers == ["tokens", "base", "layout", "components", "consult", "utilities", "print"]
    assert css.count("{") == css.count("}")


def test_a_module_names_shared_modules_by_their_version(made):
    shared = assets("caretier", SHARED).base
    assert f'from "{shared}/i18n.js"' in made.files["page.js"].content.decode()


def test_what_a_module_needs_is_told_to_the_last_step(made):
    shared = assets("caretier", SHARED).base
    assert set(made.needs("page.js")) == {
        f"{made.base}/part.js", f"{made.base}/more.js", f"{shared}/i18n.js",
    }  # fmt: skip


def test_a_template_asks_at_once_for_all_that_its_module_needs(made, folder, tmp_path_factory):
    pages = tmp_path_factory.mktemp("pages")
    source = '<script type="module" src="/static/own/page.js"></script>'
    (pages / "t.html").write_text(source, "utf-8")
    page = templates(pages, own=folder).env.get_template("t.html").render()
    assert page.count('rel="modulepreload"') == len(made.needs("page.js"))
    assert page.endswith(f'<script type="module" src="{made.base}/page.js"></script>')


def test_a_changed_file_changes_the_version(made, folder):
    (folder / "more.js").write_text("export const h = 2;\n", "utf-8")
    assert Assets("own", folder, assets("caretier", SHARED)).version != made.version


def test_an_address_that_has_a_version_is_left_as_it_is(made):
    once = versioned('"/static/own/page.js"', made)
    assert versioned(once, made) == once


async def test_a_file_of_this_version_is_kept_for_good(client, folder):
    base = assets("own", folder).base
    reply = await client.get(f"{base}/more.js")
    assert reply.headers["cache-control"] == FOR_GOOD
    assert reply.headers["content-type"] == "text/javascript; charset=utf-8"
    assert (await client.get(f"{base}/icons/one.png")).headers["content-type"] == "image/png"


@pytest.mark.parametrize("path", ["/static/own/more.js", "/static/own/v-0123456789/more.js"])
async def test_a_file_of_no_or_another_version_is_asked_for_again_and_answered_shortly(
    client, path
):
    reply = await client.get(path)
    assert reply.headers["cache-control"] == ASK_FIRST
    again = await client.get(path, headers={"if-none-match": reply.headers["etag"]})
    assert again.status_code == 304
    assert again.content == b""


async def test_text_is_packed_for_who_takes_it_and_pictures_never(client):
    packed = {"accept-encoding": "gzip, br"}
    reply = await client.get("/static/caretier/caretier.css", headers=packed)
    assert reply.headers["content-encoding"] == "gzip"
    assert int(reply.headers["content-length"]) < len(reply.content) / 3
    assert (
        "content-encoding"
        not in (await client.get("/static/own/icons/one.png", headers=packed)).headers
    )
    plain = await client.get("/static/caretier/caretier.css")
    assert plain.headers["vary"] == "accept-encoding"
    assert plain.content == reply.content


async def test_no_page_is_compressed_for_it_holds_its_sessions_token(client):
    reply = await client.get("/healthz", headers={"accept-encoding": "gzip"})
    assert "content-encoding" not in reply.headers


@pytest.mark.parametrize(
    "path", ["", "none.js", "../page.js", "%2e%2e/page.js", "v-0123456789/", "icons", "icons/"]
)
async def test_what_is_no_file_is_not_found(client, path):
    assert (await client.get(f"/static/own/{path}")).status_code == 404


async def test_a_file_takes_no_other_method(client):
    assert (await client.post("/static/own/more.js")).status_code == 405


def test_packed_and_plain_are_the_same():
    asset = Asset.of("x.css", b"a { color: red }\n" * 40)
    assert asset.packed is not None
    assert gzip.decompress(asset.packed) == asset.content


@pytest.mark.parametrize("text", ["'", "' onload='x", "<script>", "&#39;", '{"a": "it\'s"}'])
def test_a_text_in_single_quotes_cannot_end_its_attribute(text):
    made = quoted(text)
    assert not set("'<>") & set(made)
    assert html.unescape(made) == text
