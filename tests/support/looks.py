"""The looks under which people meet a page: width, theme and language; and what a page must hold.

``CARETIER_LOOKS`` says how many of the eight a test goes over: ``two`` (as each commit is tested)
are opposite in everything, ``four`` hold every pair of values, ``eight`` are all.
"""

from __future__ import annotations

import os
from functools import lru_cache
from itertools import product
from pathlib import Path
from typing import NamedTuple

import pytest
from playwright.sync_api import Page
from support.axe import violations

from services.web.i18n import COMMON, Catalogue

PHONE, DESKTOP = 390, 1280
"""Widths of a window in CSS pixels."""
PICTURES = os.environ.get("CARETIER_SCREENSHOTS")
_ROOT = Path(__file__).parents[2]
_PORTAL = _ROOT / "services/hospital/portal/locale"
_DEVICE = _ROOT / "patient_app/locale"


class Look(NamedTuple):
    """How a person sees a page; ``open_page(*look)`` opens one so."""

    width: int
    theme: str
    language: str

    def __str__(self) -> str:
        """The name of a look, as in a test's id: ``390-light-en``."""
        return f"{self.width}-{self.theme}-{self.language}"


EIGHT = [Look(*one) for one in product((PHONE, DESKTOP), ("light", "dark"), ("en", "es"))]
CHOICES = {
    "two": [Look(PHONE, "light", "en"), Look(DESKTOP, "dark", "es")],
    "four": [
        Look(PHONE, "light", "en"),
        Look(PHONE, "dark", "es"),
        Look(DESKTOP, "light", "es"),
        Look(DESKTOP, "dark", "en"),
    ],
    "eight": EIGHT,
}
LOOKS = CHOICES[os.environ.get("CARETIER_LOOKS") or "two"]
in_looks = pytest.mark.parametrize("look", LOOKS, ids=str)
"""Run a test once a look; it takes the look as ``look``."""


@lru_cache(maxsize=2)
def _words(folder: Path) -> Catalogue:
    return Catalogue.load(COMMON, folder)


def portal_says(language: str, key: str, **values: object) -> str:
    """A sentence of the portal; an unknown key is a ``KeyError``."""
    return _words(_PORTAL).translator(language)(key, **values)


def device_says(language: str, key: str, **values: object) -> str:
    """A sentence of the patient's client; an unknown key is a ``KeyError``."""
    return _words(_DEVICE).translator(language)(key, **values)


def overflow(page: Page) -> int:
    """How far a page is wider than its window, in CSS pixels."""
    wider: int = page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    return wider


def picture(page: Page, name: str, look: Look | str = "", *, whole: bool = True) -> None:
    """Keep a picture of a page where ``CARETIER_SCREENSHOTS`` names a folder."""
    if PICTURES:
        named = "-".join(part for part in (name, str(look)) if part)
        page.screenshot(path=Path(PICTURES) / f"{named}.png", full_page=whole)


def sound(page: Page, name: str = "page", look: Look | str = "") -> list[str]:
    """What is wrong with a page as it stands: axe's findings, and that it is too wide.

    Keeps a picture of it too, where pictures are kept.
    """
    picture(page, name, look)
    found = [f"{name}: {one}" for one in violations(page)]
    wider = overflow(page)
    return [*found, f"{name}: {wider} px wider than its window"] if wider > 0 else found
