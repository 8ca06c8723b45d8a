"""What the tests in a browser share: the browser, and where it finds what it asks for."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright
from support.late import SEED, late
from support.served import Door, a_door

CHROMIUM = os.environ.get("CARETIER_CHROMIUM") or shutil.which("chromium") or None


@pytest.fixture(scope="session", autouse=True)
def line() -> Iterator[None]:
    """Replies come late where ``CARETIER_SLOW`` says so."""
    if not SEED:
        yield
        return
    with late(SEED):
        yield


@pytest.fixture(scope="module")
def door(line: None) -> Iterator[Door]:
    """What the browser takes for ``localhost``."""
    with a_door() as opened:
        yield opened


@pytest.fixture(scope="module")
def chromium(door: Door) -> Iterator[Browser]:
    """One browser for a module: Playwright holds the event loop of the thread while it lives."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-background-networking", door.rule],
        )
        yield browser
        browser.close()
