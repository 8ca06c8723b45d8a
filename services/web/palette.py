"""The colours of both themes as ``tokens.css`` has them, and how well they part (WCAG 2.2).

Example:
    >>> round(ratio("#000000", "#ffffff"))
    21
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from services.web.assets import SHARED

TEXT_RATIO = 4.5
"""1.4.3: text of ordinary size."""
PART_RATIO = 3.0
"""1.4.11: borders of controls, and the ring of focus."""

SOFT = ("accent", "danger", "warn", "info", "ok")
TEXT_PAIRS = (
    *((ink, on) for ink in ("ink", "ink-soft", "link") for on in ("bg", "surface", "sunken")),
    ("accent", "bg"),
    ("accent", "surface"),
    ("on-accent", "accent"),
    ("on-accent", "accent-hover"),
    ("on-danger", "danger"),
    ("on-danger", "danger-hover"),
    ("on-danger-soft", "surface"),
    *((f"on-{name}-soft", f"{name}-soft") for name in SOFT),
    ("on-warn", "warn"),
    ("on-info", "info"),
    ("on-ok", "ok"),
    ("bg", "ink"),
)
"""What is written upon what."""
PART_PAIRS = (
    ("line-strong", "surface"),
    ("line-strong", "bg"),
    ("focus", "surface"),
    ("focus", "bg"),
    ("warn", "surface"),
    ("on-danger", "danger"),
)
"""What is drawn beside what."""

_COLOUR = re.compile(r"--([\w-]+):\s*(#[0-9a-fA-F]{6})")
_LENGTH = re.compile(r"--((?:space|text|radius)-[\w]+):\s*([^;]+);")
_LINEAR_BELOW = 0.04045


@dataclass(frozen=True)
class Pair:
    """Two colours that meet, and their contrast in each theme."""

    ink: str
    ground: str
    light: float
    dark: float
    least: float


@lru_cache
def _css() -> str:
    return (SHARED / "tokens.css").read_text("utf-8")


def _block(start: str) -> str:
    opened = _css().index("{", _css().index(start))
    return _css()[opened : _css().index("}", opened)]


def themes() -> dict[str, dict[str, str]]:
    """Colours by token as ``#rrggbb``: ``light``, ``dark``, ``system`` (dark by the system)."""
    starts = {"light": ":root,", "dark": '\n  [data-theme="dark"]', "system": ":root:not("}
    return {name: dict(_COLOUR.findall(_block(start))) for name, start in starts.items()}


def lengths(kind: str) -> list[tuple[str, str]]:
    """Tokens of a kind (``space``, ``text``, ``radius``) with their value, in their order."""
    return [(name, value) for name, value in _LENGTH.findall(_css()) if name.startswith(kind)]


def _luminance(colour: str) -> float:
    parts = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    linear = [c / 12.92 if c <= _LINEAR_BELOW else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def ratio(one: str, other: str) -> float:
    """Contrast of two colours, 1 to 21 (WCAG 2.2, relative luminance)."""
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def pairs() -> list[Pair]:
    """Every pair that is used, with what it reaches and what it has to."""
    light, dark = themes()["light"], themes()["dark"]
    wanted = [(TEXT_RATIO, pair) for pair in TEXT_PAIRS] + [
        (PART_RATIO, pair) for pair in PART_PAIRS
    ]
    return [
        Pair(ink, on, ratio(light[ink], light[on]), ratio(dark[ink], dark[on]), least)
        for least, (ink, on) in wanted
    ]
