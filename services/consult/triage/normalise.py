"""Brings a patient's message into one plain spelling and cuts it into tokens.

Everything here is linear in the length of the text. Tokens are words without apostrophes or
accents, numbers with a decimal point, and a few marks: ``.``, ``!``, ``?`` end a sentence, ``,``
ends a clause, and ``/ % ° +`` are kept for measurements.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence

SENTENCE_ENDS = frozenset({".", "!", "?"})
"""Tokens that end a sentence."""

_LOOK_ALIKES = str.maketrans(
    {
        "\u2018": "'",
        "\u2019": "'",
        "\u201b": "'",
        "\u02bc": "'",
        "\u00b4": "'",
        "`": "'",
        "\uff07": "'",
        "\u0430": "a",
        "\u0435": "e",
        "\u043e": "o",
        "\u0440": "p",
        "\u0441": "c",
        "\u0443": "y",
        "\u0445": "x",
        "\u0456": "i",
        "\u00ba": "°",
        "\u02da": "°",
        "\u2044": "/",
        "\u00bf": None,
        "\u00a1": None,
    }
)
_LOOK_ALIKES |= dict.fromkeys(range(0xFDF0, 0xFDFD), " ")  # one sign, up to 18 letters
_LOOK_ALIKES |= {0x2026: "."}
_FRACTIONS = re.compile(r"(\d ?)?([¼½¾⅐-⅞])[¼½¾⅐-⅞]*")
_LONGEST_SIGN = 2  # letters that one sign may stand for; a text grows no further
_DROPPED = frozenset({"Mn", "Me", "Cf"})
_REPEATS = re.compile(r"([^\W\d_])\1{2,}")
_TOKEN = re.compile(
    r"(?P<word>[^\W\d_]+(?:'[^\W\d_]+)*)"
    r"|(?P<number>\d+(?:[.,]\d{1,2}(?!\d))?)"
    r"|(?P<end>[.!?;…]+|\n\s*\n)"
    r"|(?P<pause>[,:()\n\u2014\u2013]|\s-\s)"
    r"|(?P<mark>[/%°+])"
)
_LONGEST_REWRITE = 3


def fold(text: str) -> str:
    """Return ``text`` in lower case, without accents, look-alikes and invisible characters."""
    if not text.isascii():
        text = _FRACTIONS.sub(_decimal, text.translate(_LOOK_ALIKES))
        wide = (c for c in set(text) if len(unicodedata.normalize("NFKC", c)) > _LONGEST_SIGN)
        text = text.translate({ord(c): " " for c in wide})
        text = unicodedata.normalize("NFKC", text).translate(_LOOK_ALIKES)
        decomposed = unicodedata.normalize("NFD", text.casefold())
        kept = (c for c in decomposed if c.isascii() or unicodedata.category(c) not in _DROPPED)
        text = "".join(kept)
    else:
        text = text.lower().replace("`", "'")
    return _REPEATS.sub(r"\1", text)


def _decimal(found: re.Match[str]) -> str:
    """Write *4½* as 4.5 and *½* as 0.5; of a row of fractions only the first counts."""
    part = f"{unicodedata.numeric(found.group(2)):.2f}".removeprefix("0").rstrip("0")
    whole = found.group(1)
    return f"{whole.strip() if whole else ' 0'}{part} "


def tokenise(folded: str) -> list[str]:
    """Cut folded text into tokens; a decimal comma becomes a point, ``...`` one sentence end."""
    tokens: list[str] = []
    for found in _TOKEN.finditer(folded):
        kind = found.lastgroup
        value = found.group()
        if kind == "word":
            # "mom's face" and "mom's fallen" alike: *is* is a filler, *moms* would be a new word.
            stem = value.removesuffix("'s")
            tokens.append(stem.replace("'", ""))
            if stem != value:
                tokens.append("is")
        elif kind == "number":
            tokens.append(value.replace(",", "."))
        elif kind == "end":
            tokens.append("?" if "?" in value else "!" if "!" in value else ".")
        elif kind == "pause":
            tokens.append(",")
        else:
            tokens.append(value)
    return tokens


def rewrite(tokens: Sequence[str], table: Mapping[tuple[str, ...], tuple[str, ...]]) -> list[str]:
    """Replace runs of up to three tokens by their plain wording, longest run first."""
    result: list[str] = []
    position = 0
    while position < len(tokens):
        for length in range(min(_LONGEST_REWRITE, len(tokens) - position), 0, -1):
            plain = table.get(tuple(tokens[position : position + length]))
            if plain is not None:
                result.extend(plain)
                position += length
                break
        else:
            result.append(tokens[position])
            position += 1
    return result
