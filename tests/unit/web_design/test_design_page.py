"""The page of the design shows everything; style sheets hold nothing that nobody uses."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from services.hospital.portal.design import EXAMPLES, ORDER, PRESSED, components
from services.hospital.portal.views import LOCALE
from services.web.i18n import COMMON, LANGUAGES, Catalogue
from services.web.palette import TEXT_RATIO, lengths, pairs, ratio, themes
from services.web.templating import STATIC, TEMPLATES, templates

ROOT = Path(__file__).parents[3]
CLIENTS = {
    "portal": ROOT / "services/hospital/portal",
    "patient": ROOT / "patient_app",
}
RULE = re.compile(r"([^{}]+)\{([^{}]*)\}")
CLASS = re.compile(r"\.(-?[a-zA-Z][\w-]*)")
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
FRAME = {"frame", "main", "topbar", "skip", "navwrap", "brand", "toasts", "nav"}
"""Classes of the frame of every page, and of what a script adds to it."""


class _Classes(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    def handle_starttag(self, tag, attrs):
        self.found |= set((dict(attrs).get("class") or "").split())


def drawn(language: str = "en") -> str:
    """All examples, as the page draws them."""
    env = templates(EXAMPLES.parent).env
    t = Catalogue.load(COMMON, LOCALE).translator(language)
    whole = '{% import "components.html" as ui with context %}{% include name %}'
    return "".join(
        env.from_string(whole).render(t=t, side="light", name=one.template) for one in components()
    )


def sheets() -> dict[Path, str]:
    folders = [STATIC, *(client / "static" for client in CLIENTS.values())]
    paths = [path for folder in folders for path in sorted(folder.rglob("*.css"))]
    return {path: COMMENT.sub("", path.read_text("utf-8")) for path in paths}


def test_every_macro_stands_on_the_page():
    macros = set(re.findall(r"macro (\w+)\(", (TEMPLATES / "components.html").read_text("utf-8")))
    used = set(re.findall(r"\bui\.(\w+)\(", "".join(one.source for one in components())))
    assert macros - used == set()


def test_every_component_of_the_shared_style_sheets_stands_on_the_page():
    parser = _Classes()
    parser.feed(drawn())
    shown = {name.split("__")[0].split("--")[0] for name in parser.found} | FRAME
    own = {path: text for path, text in sheets().items() if path.parent == STATIC}
    blocks = {
        name.split("__")[0].split("--")[0]
        for text in own.values()
        for selector, _ in RULE.findall(text)
        for name in CLASS.findall(selector)
    }
    states = {"here", "reached", "dot", "end", "composer", "noprint"}
    assert blocks - shown - states == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_component_says_what_it_is_for_and_what_its_keys_do(language):
    t = Catalogue.load(COMMON, LOCALE).translator(language)
    for name in ORDER:
        assert t(f"design.{name}.name")
        assert t(f"design.{name}.use")
        assert name not in PRESSED or t(f"design.{name}.keys")


def test_every_example_is_on_the_page():
    assert {path.stem for path in EXAMPLES.glob("*.html")} == set(ORDER)


def test_every_pair_of_colours_reaches_its_contrast_in_both_themes():
    assert [one for one in pairs() if min(one.light, one.dark) < one.least] == []
    assert all(lengths(kind) for kind in ("text", "space", "radius"))


def test_where_a_rule_sets_text_and_ground_one_can_be_read_upon_the_other():
    """Also for pairs that nobody listed."""
    bad = []
    for path, text in sheets().items():
        for selector, body in RULE.findall(text):
            ink = re.search(r"(?:^|[;{\s])color: var\(--([\w-]+)\)", body)
            ground = re.search(r"background(?:-color)?: var\(--([\w-]+)\)", body)
            if not ink or not ground or "disabled" in selector:
                continue
            for theme in ("light", "dark"):
                colours = themes()[theme]
                if ratio(colours[ink[1]], colours[ground[1]]) < TEXT_RATIO:
                    bad.append((path.name, selector.strip(), theme))
    assert bad == []


def _names(*folders: Path) -> str:
    files = [p for folder in folders for p in folder.rglob("*") if p.suffix in {".html", ".js"}]
    return "\n".join(path.read_text("utf-8") for path in files)


def test_no_rule_is_for_a_class_that_no_page_uses():
    everything = _names(TEMPLATES, STATIC, *CLIENTS.values())
    python = "\n".join(p.read_text("utf-8") for c in CLIENTS.values() for p in c.rglob("*.py"))
    unused = []
    for path, text in sheets().items():
        for name in sorted(
            {n for selector, _ in RULE.findall(text) for n in CLASS.findall(selector)}
        ):
            block, part = re.match(r"(.*?)((?:__|--)[\w-]+)?$", name).groups()
            made = re.escape(f"{block}{part[:2]}") + r"(?:\{\{|[\"'`] ?[~+]|\$\{)" if part else "$^"
            written = re.escape(re.sub(r"--[\w-]+$", "--", name))
            if not re.search(rf"(?<![\w-])(?:{written}|{made})", everything + python):
                unused.append(f"{path.name}: .{name}")
    assert unused == []


def test_no_rule_of_a_client_says_what_a_shared_one_says():
    shared = {
        (selector.strip(), " ".join(body.split()))
        for path, text in sheets().items()
        if path.parent == STATIC
        for selector, body in RULE.findall(text)
    }
    again, seen = [], {}
    for path, text in sheets().items():
        if path.parent == STATIC:
            continue
        for selector, body in RULE.findall(text):
            rule = (selector.strip(), " ".join(body.split()))
            other = seen.setdefault(rule, path)
            if rule in shared or other.parent != path.parent:
                again.append(f"{path.name}: {selector.strip()}")
    assert again == []
