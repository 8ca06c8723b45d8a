"""The pictures of the tours: which page each shows, and what tells that the page has changed."""

from __future__ import annotations

import hashlib
import io
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page

TOUR = Path(__file__).parents[2] / "infra/tour"
PICTURES = TOUR / "pictures"
DIGESTS = TOUR / "pictures.json"
MAX_BYTES, MAX_TOTAL = 60_000, 1_500_000
PHONE, DESKTOP = (390, 780), (1180, 760)
QUALITIES = (74, 60, 45, 30)
READ = """() => {
  const out = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const at = walk.currentNode.parentElement;
    const out_of_sight = "time, script, noscript, dialog:not([open]), [hidden], #events tbody";
    if (at.closest(out_of_sight) || !at.checkVisibility()) continue;
    out.push(walk.currentNode.textContent);
  }
  return out.join(" ");
}"""
SHEETS = '() => [...document.querySelectorAll("link[rel=stylesheet]")].map((link) => link.href)'
_ID = re.compile(
    r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b|\b[0-9a-f]{8,}\b|\b[0-9A-Z]{12,}\b"
)
_NUMBER = re.compile(r"\d[\d.,:]*")
_MOMENT = re.compile(
    r"\b(?:Never|Nunca|under|now|ahora|min|h|d|am|pm|AM|PM|UTC|Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Sept|Oct|Nov|Dec|"
    r"ene|feb|mar|abr|may|jun|jul|ago|sept|oct|nov|dic)\b"
)


def nothing(_page: Page) -> None:
    """No more than opening the page."""


@dataclass(frozen=True)
class Shot:
    """One picture.

    Attributes:
        name: of its file, without the ending; begins with the name of its tour.
        path: of the page; ``{referral}`` is the id of the one that the tour follows.
        act: what is done on the page before the picture is taken.
        phone: whether it is a phone's; else a desktop's.
        theme: ``light`` or ``dark``.
    """

    name: str
    path: str
    act: Callable[[Page], None] = nothing
    phone: bool = False
    theme: str = "light"


def seen(page: Page) -> str:
    """Digest of what a page says and of the style sheets that it uses.

    Numbers, moments, ids and digests are left out: they differ from day to day and from machine to
    machine, and the page is the same. So is what the trail holds: it grows by looking.
    """
    words = _ID.sub("#", page.evaluate(READ))
    words = " ".join(_MOMENT.sub("", _NUMBER.sub("#", words)).split())
    whole = hashlib.sha256(words.encode())
    for address in sorted(page.evaluate(SHEETS)):
        whole.update(page.request.get(address).body())
    return whole.hexdigest()[:20]


def take(page: Page, name: str) -> None:
    """Write a picture of what the window shows, small enough."""
    image = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    for quality in QUALITIES:
        made = io.BytesIO()
        image.save(made, "WEBP", quality=quality, method=6)
        if made.tell() <= MAX_BYTES:
            break
    PICTURES.mkdir(parents=True, exist_ok=True)
    (PICTURES / f"{name}.webp").write_bytes(made.getvalue())


def known() -> dict[str, str]:
    """Digests of the pages at the time of their pictures, by name."""
    return json.loads(DIGESTS.read_text("utf-8")) if DIGESTS.is_file() else {}


def remember(found: dict[str, str]) -> None:
    """Write down the digests of some pictures beside those of the others."""
    kept = json.dumps(dict(sorted((known() | found).items())), indent=1)
    DIGESTS.write_text(kept + "\n", "utf-8")
