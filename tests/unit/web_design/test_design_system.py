"""The design system: contrast of every pair of colours, and a frame that the policy allows."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from services.web.i18n import LANGUAGES, translator
from services.web.palette import PART_PAIRS, PART_RATIO, TEXT_PAIRS, TEXT_RATIO, ratio, themes
from services.web.templating import STATIC, TEMPLATES, templates


def test_the_measure_of_contrast_agrees_with_the_known_extremes():
    assert ratio("#000000", "#ffffff") == pytest.approx(21)
    assert ratio("#777777", "#777777") == pytest.approx(1)


@pytest.mark.parametrize("theme", themes())
@pytest.mark.parametrize(("ink", "ground"), TEXT_PAIRS)
def test_text_can_be_read(theme, ink, ground):
    colours = themes()[theme]
    assert ratio(colours[ink], colours[ground]) >= TEXT_RATIO


@pytest.mark.parametrize("theme", themes())
@pytest.mark.parametrize(("part", "ground"), PART_PAIRS)
def test_controls_and_focus_can_be_seen(theme, part, ground):
    colours = themes()[theme]
    assert ratio(colours[part], colours[ground]) >= PART_RATIO


def test_dark_is_the_same_by_system_and_by_choice():
    found = themes()
    assert found["system"] == found["dark"]


def test_dark_gives_each_colour_of_light_a_counterpart():
    found = themes()
    assert set(found["light"]) == set(found["dark"])


def test_every_token_that_is_used_is_defined():
    sheets = {path: path.read_text("utf-8") for path in STATIC.glob("*.css")}
    defined = set(re.findall(r"(--[\w-]+):", "".join(sheets.values())))
    # With a fallback, `var(--x, y)`, a token may be left to the page.
    used = set(re.findall(r"var\((--[\w-]+)\)", "".join(sheets.values())))
    assert used <= defined


def test_the_style_sheet_loads_only_files_that_are_there():
    css = (STATIC / "caretier.css").read_text("utf-8")
    names = re.findall(r'url\("([^"]+)"\)', css)
    assert names
    assert all((STATIC / name).is_file() for name in names)


def test_every_icon_that_a_template_or_module_names_is_in_the_sprite():
    sprite = ET.fromstring((STATIC / "icons.svg").read_text("utf-8"))  # noqa: S314 - our own file
    have = {symbol.get("id") for symbol in sprite}
    named = set()
    for path in [*TEMPLATES.glob("*.html"), *STATIC.glob("*.js")]:
        named |= set(re.findall(r'\bicon\("([\w-]+)"', path.read_text("utf-8")))
    assert named
    assert named <= have


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_problem_page_renders_and_escapes_what_it_is_told(language):
    page = templates().env.get_template("problem.html")
    html = page.render(
        t=translator(language), language=language, title="<b>x</b>", detail="a&b", remedy="<i>"
    )
    assert f'<html lang="{language}">' in html
    assert "&lt;b&gt;x&lt;/b&gt;" in html
    assert "<i>" not in html


EVIL = '"><script>alert(1)</script>'
MACROS = """
{% import "components.html" as ui with context %}
{{ ui.button(evil, "primary", "send") }}{{ ui.iconbutton(evil, "close") }}
{{ ui.banner("emergency", evil, evil, "911", evil) }}{{ ui.chip(evil) }}{{ ui.urgency("urgent") }}
{{ ui.input("i", evil, value=evil, hint=evil, error=evil) }}
{{ ui.select("s", evil, [(evil, evil)]) }}
{{ ui.check("k", evil, evil) }}{{ ui.switch("w", evil) }}{{ ui.tiers("clinic") }}{{ ui.skeleton() }}
{{ ui.tabs([("p", evil)], evil) }}{{ ui.progress(1, 2, evil) }}{{ ui.pagehead(evil, evil) }}
{{ ui.citation(source, 1) }}
{% call ui.card(evil, id="c") %}x{% endcall %}{% call ui.dialog("d", evil) %}x{% endcall %}
{% call ui.ledger_entry("l", evil, evil, "sent") %}x{% endcall %}
{% call ui.empty("info", evil, evil) %}x{% endcall %}
"""


def test_every_component_escapes_its_text_and_refuses_a_script_address():
    source = {**dict.fromkeys(("title", "source", "quote", "date"), EVIL), "url": "javascript:x()"}
    html = templates().env.from_string(MACROS).render(t=translator("en"), evil=EVIL, source=source)
    assert "<script" not in html
    assert "javascript:" not in html
    assert 'href="tel:911"' in html


def test_the_call_button_of_an_emergency_stands_before_its_text():
    html = (
        templates()
        .env.from_string(
            '{% import "components.html" as ui with context %}'
            '{{ ui.banner("emergency", "Now", "Long advice", "911", "Call 911") }}'
        )
        .render(t=translator("en"))
    )
    assert 'role="alert"' in html
    assert html.index("Call 911") < html.index("Long advice")


@pytest.mark.parametrize(
    "path", [*STATIC.glob("*.js"), *TEMPLATES.glob("*.html")], ids=lambda path: path.name
)
def test_nothing_needs_a_loose_policy(path: Path):
    text = path.read_text("utf-8")
    assert not re.search(r"\b(innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval)\b", text)
    assert not re.search(r"""\sstyle=["']|<style|\.style\.|\son\w+=["']""", text)
    assert not re.search(r"https?://(?!www\.w3\.org)[\w.]", text)
