"""The last look: is anything left in a masked text?

The masked text is read again with its placeholders taken out, first by the detectors that leave no
doubt (known identifiers, e-mail, telephone, Social Security and card numbers), then without any
separators for names and codes of the record. Detectors that weigh words (cues, lists, the name
model) are not asked again: what they would say of a text with gaps in it is no evidence.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import regex

from compliance.deidentify.known import KnownIdentifiers
from compliance.deidentify.known_index import MIN_FREE_CODE
from compliance.deidentify.normalise import Normalised, fold, normalise
from compliance.deidentify.placeholders import PlaceholderMap

HARD_TYPES = frozenset(
    {
        "EMAIL_ADDRESS",
        "PHONE_NUMBER",
        "US_SSN",
        "CREDIT_CARD",
        "IBAN_CODE",
        "URL",
        "IP_ADDRESS",
        "US_MBI",
        "US_NPI",
        "ES_ID",
        "MEDICAL_RECORD_NUMBER",
    }
)
"""Entity types of which not one may be left."""
_GAP = " \u2d32 "
_MIN_NAME = 8


class _Span(Protocol):
    """What the check needs of a found span."""

    @property
    def type(self) -> str: ...
    @property
    def identity(self) -> str | None: ...


def residue(
    masked: str,
    mapping: PlaceholderMap,
    known: KnownIdentifiers | None,
    find: Callable[[Normalised], Sequence[_Span]],
) -> str | None:
    """The kind of the first identifier that is left, or None.

    Args:
        masked: the text after masking.
        mapping: its placeholders.
        known: the record's identifiers.
        find: detection on a plain text.
    """
    bare = masked
    for placeholder in sorted(mapping.placeholders(), key=len, reverse=True):
        bare = bare.replace(placeholder, _GAP)
    for span in find(normalise(bare)):
        if span.identity is not None or span.type in HARD_TYPES:
            return span.type
    return _squeezed(bare, known) if known else None


def _squeezed(bare: str, known: KnownIdentifiers) -> str | None:
    """Whole names and codes in the text without separators."""
    folded = fold(bare)
    letters = regex.sub(r"[^\p{L}]", "", folded)
    characters = regex.sub(r"[^\p{L}\d]", "", folded)
    for name in known.index.compounds:
        if len(name) >= _MIN_NAME and name in letters and not _within_one_word(name, folded):
            return "a name"
    for code, (kind, _) in known.index.codes.items():
        if len(code) >= MIN_FREE_CODE and code in characters:
            return kind
    return None


def _within_one_word(name: str, folded: str) -> bool:
    """True when ``name`` only occurs inside longer ordinary words."""
    return any(name in word and name != word for word in regex.findall(r"\p{L}+", folded))
