"""Text as a reader sees it: nothing that is there for a program only.

Zero-width, bidirectional, tag and variation characters can carry words that nobody sees; they are
taken out. NFC, not NFKC: that would turn 10² into 102.
"""

from __future__ import annotations

import re
import unicodedata

_DROPPED = frozenset({"Cf", "Cc", "Cs", "Co", "Cn"})
# letters and marks that show nothing: fillers, joiners, variation selectors
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0") | {
    chr(c) for c in (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0), *range(0x180B, 0x1810))
}
_SPACES = re.compile(r"[^\S\n]+")
_LINES = re.compile(r" ?\n[ \n]*")


def visible(text: str) -> str:
    """The characters of a text that show; spaces and line ends are kept as they are."""
    plain = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))
    return "".join(c for c in plain if c in "\n\t" or _shows(c))


def _shows(char: str) -> bool:
    if char.isascii():
        return char.isprintable()
    return char not in _BLANK and unicodedata.category(char) not in _DROPPED


def one_line(text: str) -> str:
    """The visible text on one line, runs of white space as one space."""
    return " ".join(visible(text).split())


def tidy(text: str) -> str:
    """The visible text; runs of spaces become one, empty lines go."""
    return _LINES.sub("\n", _SPACES.sub(" ", visible(text))).strip()
