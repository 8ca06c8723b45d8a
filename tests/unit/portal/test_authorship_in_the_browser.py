"""The page's module cuts a reply as the server does."""

from __future__ import annotations

import os

import pytest
from playwright.sync_api import sync_playwright

from services.hospital.authorship import pieces
from services.hospital.portal import STATIC

CHROMIUM = os.environ.get("CARETIER_CHROMIUM", "/usr/bin/chromium")
DRAFT = ["Rest.", "Drink water.", "Rest. And sleep.", "See a doctor if it lasts"]
REPLIES = [
    "",
    "Rest.",
    "Rest. Drink water.",
    "Rest. And sleep.",
    "Dear [PATIENT],\nRest. Ok",
    "- Rest.\n- Drink water.",
    "See a doctor if it lasts Rest.",
    "It is not true that Rest.",
    "Rest.Drink water.",
    f"{'x' * 60} Rest.",
    f"{' ' * 39}Rest.",
    f"{' ' * 41}Rest.",
    "¿Sí? Rest. «No.» Drink water.",
]


@pytest.mark.browser
def test_the_browser_and_the_server_agree_on_whose_words_they_are():
    source = (STATIC / "authorship.js").read_text("utf-8").replace("export function", "function")
    call = f"([texts, draft]) => {{ {source}; return texts.map((text) => pieces(text, draft)); }}"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        found = browser.new_page().evaluate(call, [REPLIES, DRAFT])
        browser.close()
    for text, cut in zip(REPLIES, found, strict=True):
        said = [{"text": p.text, "sentence": p.sentence} for p in pieces(text, DRAFT)]
        assert cut == said, text
