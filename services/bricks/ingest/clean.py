"""Text as a reader sees it: nothing that is there for a program only.

Zero-width, bidirectional, tag and variation characters can carry words that nobody sees; they are
taken out. NFC, not NFKC: that would turn 10² into 102.
"""

from __future__ import annotations

import re
import unicodedata

import regex

# controls, formats, halves of pairs, private and unassigned characters; then letters and marks that
# show nothing: joiners, fillers, variation selectors
_HIDDEN = regex.compile(
    r"(?V1)[\p{C}--[\n\t]]|[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\uffa0"
    r"\ufe00-\ufe0f\U000e0100-\U000e01ef]"
)
_BREAKS = re.compile("\r\n|[\r\v\f\x85\u2028\u2029]")
_SPACES = re.compile(r"[^\S\n]+")
_LINES = re.compile(r" ?\n[ \n]*")


def visible(text: str) -> str:
    """The characters of a text that show; spaces and line ends are kept as they are."""
    plain = unicodedata.normalize("NFC", _BREAKS.sub("\n", text))
    return _HIDDEN.sub("", plain)


def one_line(text: str) -> str:
    """The visible text on one line, runs of white space as one space."""
    return " ".join(visible(text).split())


def tidy(text: str) -> str:
    """The visible text; runs of spaces become one, empty lines go."""
    return _LINES.sub("\n", _SPACES.sub(" ", visible(text))).strip()
