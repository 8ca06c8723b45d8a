# ruff: noqa: RUF001 - look-alike letters are the point here
"""Bring text into one plain form for detection, with a map back to the input.

Full-width digits, zero-width characters, stacked accents and look-alike letters of other scripts
defeat patterns. ``normalise`` folds them (NFKC and a table of confusable letters) one cluster of
code points at a time, so that every character of the plain form knows which code points of the
input it came from. Detection reads the plain form; masking cuts the input.

Source: Unicode UAX #15 (NFKC), UTS #39 (confusables; only letters that look Latin are mapped).
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

import regex

_CONFUSABLES = dict(
    zip(
        # Cyrillic, then Greek, then Latin letters that only look like ASCII ones.
        "АВЕЅІЈКМНОРСТУХЬаеорсухіјѕһԁԛԝӏΑΒΕΖΗΙΚΜΝΟΡΤΥΧαεικνορτυχıȷɑɡɩƖ",
        "ABESIJKMHOPCTYXbaeopcyxijshdqwlABEZHIKMNOPTYXaeikvoptuxijagiI",
        strict=True,
    )
)
_PUNCTUATION = {
    **dict.fromkeys("‐‑‒–—―−﹘﹣－˗", "-"),
    **dict.fromkeys("‘’‚‛′`´ʹʻʼʽ", "'"),
    **dict.fromkeys("“”„‟″«»", '"'),
    **dict.fromkeys("\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029", "\n"),
    **dict.fromkeys("∕⁄／", "/"),
    **dict.fromkeys("•·∙", "."),
    "\u3002": ".",
    "\u2060": "",
}
_INVISIBLE_MARKS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0\u2800")
_PLAIN_RUN = regex.compile(r"[\t\n -_a-~]+")
"""ASCII that is its own plain form: all that shows but the grave accent."""
_SQUARED_RANGES = ((0x1F150, 0x1F169), (0x1F170, 0x1F189))


@dataclass(frozen=True, slots=True)
class Normalised:
    """Plain text and where each of its characters came from.

    Attributes:
        text: the plain form, n code points.
        starts: n offsets into the input, where the cluster of each character begins.
        ends: n offsets into the input, one past the end of that cluster.
    """

    text: str
    starts: tuple[int, ...]
    ends: tuple[int, ...]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Offsets into the input that cover ``text[start:end]`` (``start < end``)."""
        return self.starts[start], self.ends[end - 1]


def normalise(text: str) -> Normalised:
    """Return the plain form of ``text``; any string of code points is accepted."""
    if (
        text.isascii()
        and "\r" not in text
        and text.replace("\n", " ").replace("\t", " ").isprintable()
    ):
        return Normalised(text, tuple(range(len(text))), tuple(range(1, len(text) + 1)))
    out: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    position = 0
    while position < len(text):
        # The last letter of a run stays for the slow way: marks may hang on it.
        run = _PLAIN_RUN.match(text, position)
        if run and run.end() - position > 1:
            stop = run.end() - 1
            out.append(text[position:stop])
            starts += range(position, stop)
            ends += range(position + 1, stop + 1)
            position = stop
        stop = _cluster_end(text, position)
        for character in _plain(text[position:stop]):
            out.append(character)
            starts.append(position)
            ends.append(stop)
        position = stop
    return Normalised("".join(out), tuple(starts), tuple(ends))


def fold(text: str) -> str:
    """Lower case without accents, for comparing names; ``ß`` becomes ``ss``, ``ø`` becomes ``o``."""  # noqa: E501 - one pattern, better unbroken
    plain = normalise(text).text.casefold()
    decomposed = unicodedata.normalize("NFKD", plain)
    kept = "".join(c for c in decomposed if not unicodedata.combining(c))
    return kept.translate(FOLDED_LETTERS)


def fold_character(character: str) -> str:
    """``fold`` for one plain character that must stay one character (offsets are kept)."""
    if character.isascii():
        return character.lower()
    folded = fold(character)
    return folded if len(folded) == 1 else character.lower()[:1]


FOLDED_LETTERS = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "æ": "ae", "œ": "oe", "ð": "d", "þ": "th"}
)


def _cluster_end(text: str, start: int) -> int:
    """One past the end of the cluster at ``start``: a character and what hangs on it."""
    if text.startswith("\r\n", start):
        return start + 2
    stop = start + 1
    while stop < len(text) and (unicodedata.combining(text[stop]) or _invisible(text[stop])):
        stop += 1
    return stop


def _invisible(character: str) -> bool:
    """True for characters that show nothing: format, variation and control characters."""
    if character in _INVISIBLE_MARKS:
        return True
    category = unicodedata.category(character)
    if category == "Cc":
        return character not in "\t\n\r\x0b\x0c\x1c\x1d\x1e\x85"
    return (
        category in {"Cf", "Me"}
        or "\ufe00" <= character <= "\ufe0f"
        or ("\U000e0100" <= character <= "\U000e01ef")
    )


def _plain(cluster: str) -> str:
    """Plain form of one cluster; empty when it shows nothing."""
    if cluster == "\r\n":
        return "\n"
    if cluster.isascii() and len(cluster) == 1:
        return _PUNCTUATION.get(cluster, "" if _invisible(cluster) else cluster)
    visible = "".join(c for c in cluster if not _invisible(c))
    composed = unicodedata.normalize("NFKC", "".join(map(_look_alike, visible)))
    return "".join(map(_settle, composed))


def _look_alike(character: str) -> str:
    """Map a confusable letter or mark, and letters in squares, to ASCII."""
    if character in _PUNCTUATION:
        return _PUNCTUATION[character]
    code = ord(character)
    for low, high in _SQUARED_RANGES:
        if low <= code <= high:
            return chr(ord("A") + code - low)
    return _CONFUSABLES.get(character, character)


def _settle(character: str) -> str:
    """Last step after NFKC: ASCII digits and spaces, no stray marks."""
    if unicodedata.combining(character) or _invisible(character):
        return ""
    if character in _PUNCTUATION or character in _CONFUSABLES:
        return _look_alike(character)
    if not character.isascii():
        value = unicodedata.decimal(character, None)
        if value is not None:
            return str(value)
        if character.isspace():
            return " "
    return character
