"""Placeholders: what stands in a masked text for each identifier, and the way back.

One map lives as long as a conversation, so the same person is the same placeholder in every turn.
The map is the key to the masking: it stays on the device.
"""

from __future__ import annotations

import json
from typing import Any

import regex

from compliance.deidentify.errors import PlaceholderError
from compliance.deidentify.normalise import Normalised, fold, normalise

LABELS: dict[str, str] = {
    "PATIENT": "PATIENT",
    "RELATIVE": "RELATIVE",
    "CLINICIAN": "CLINICIAN",
    "PERSON": "PERSON",
    "ORGANIZATION": "ORGANIZATION",
    "LOCATION": "LOCATION",
    "DATE": "DATE",
    "AGE": "AGE-90+",
    "PHONE_NUMBER": "PHONE",
    "EMAIL_ADDRESS": "EMAIL",
    "ADDRESS": "ADDRESS",
    "ZIP": "ZIP",
    "URL": "URL",
    "IP_ADDRESS": "IP",
    "LITERAL": "LITERAL",
}
"""Label of the placeholder by entity type; every other type is an ``ID``."""

_NAMES = frozenset({*(label.split("-")[0] for label in LABELS.values()), "ID"})
_ALONE = frozenset({"PATIENT", "AGE-90+"})
_BRACKETS = regex.compile(r"[\[({<]\s*(?P<in>[^\[\](){}<>\n]{1,30}?)\s*[\])}>]")
_HALF = regex.compile(
    (
        rf"(?:\[\s*(?:{'|'.join(sorted(_NAMES))})\b)|(?:\b(?:{'|'.join(sorted(_NAMES))})"
        rf"(?:-[\d+]+)*\s*\])"
    ),
    regex.IGNORECASE,
)
_BARE = regex.compile(
    rf"(?<![\[\p{{L}}\d-])(?:{'|'.join(sorted(_NAMES))})-(?:\d+|90\+)(?:-\d+)?(?!\d)"
)
_SHAPE = regex.compile(r"[A-Z]{2,}(?:[-_ ]?(?:\d+\+?|90\+-\d+))*")
_NEAR = 2


def label_of(entity_type: str) -> str:
    """Label that stands in the placeholder for an entity type."""
    return LABELS.get(entity_type, "ID")


def placeholder_like(plain: Normalised) -> list[tuple[int, int]]:
    """Spans of the plain form that are, or could be damaged, placeholders; in order, disjoint."""
    spans = [m.span() for m in _BRACKETS.finditer(plain.text) if _resembles(m)]
    for pattern in (_HALF, _BARE):
        for match in pattern.finditer(plain.text):
            if not any(start < match.end() and match.start() < end for start, end in spans):
                spans.append(match.span())
    return sorted(spans)


class PlaceholderMap:
    """Values of one conversation and their placeholders.

    A value is known by its identity (a person of the record) or by its folded text, so "Smith" and
    "SMITH" share a placeholder. The first form seen is the one that comes back.
    """

    def __init__(self) -> None:
        self._by_key: dict[str, str] = {}
        self._surfaces: dict[str, str] = {}
        self._counts: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._surfaces)

    def __contains__(self, placeholder: object) -> bool:
        return placeholder in self._surfaces

    def placeholder(self, entity_type: str, surface: str, identity: str | None = None) -> str:
        """The placeholder for ``surface``, a new one when it is new to the conversation."""
        label = label_of(entity_type)
        value = surface if entity_type == "LITERAL" else " ".join(fold(surface).split())
        key = f"{label}\x1f{identity or value}"
        if key not in self._by_key:
            number = self._counts[label] = self._counts.get(label, 0) + 1
            alone = number == 1 and label in _ALONE
            placeholder = f"[{label}]" if alone else f"[{label}-{number}]"
            self._by_key[key] = placeholder
            self._surfaces[placeholder] = surface
        return self._by_key[key]

    def placeholders(self) -> dict[str, str]:
        """Placeholder to the first surface form, in order of appearance."""
        return dict(self._surfaces)

    def reidentify(self, text: str) -> str:
        """``text`` with every placeholder replaced by its value.

        Raises:
            PlaceholderError: something looks like a placeholder and is not exactly one of this map.
        """
        if not isinstance(text, str):
            raise PlaceholderError("An answer must be text.")
        plain = normalise(text)
        out: list[str] = []
        position = 0
        for start, end in placeholder_like(plain):
            begin, stop = plain.span(start, end)
            value = self._surfaces.get(text[begin:stop])
            if value is None:
                raise PlaceholderError("The answer holds a placeholder that was never given out.")
            out += [text[position:begin], value]
            position = stop
        return "".join([*out, text[position:]])

    def to_json(self) -> str:
        """The map as JSON text; protected data, never to leave the device."""
        return json.dumps(
            {"by_key": self._by_key, "surfaces": self._surfaces, "counts": self._counts},
            ensure_ascii=False,
        )

    @classmethod
    def from_json(cls, text: str) -> PlaceholderMap:
        """Read what ``to_json`` wrote.

        Raises:
            PlaceholderError: it is not such a map.
        """
        try:
            raw: Any = json.loads(text)
            by_key, surfaces = _strings(raw["by_key"]), _strings(raw["surfaces"])
            counts = {str(k): int(v) for k, v in raw["counts"].items()}
        except (ValueError, KeyError, TypeError, AttributeError):
            by_key, surfaces, counts = {"": ""}, {}, {}
        if set(by_key.values()) != set(surfaces):
            raise PlaceholderError("The placeholder map cannot be read.")
        loaded = cls()
        loaded._by_key, loaded._surfaces, loaded._counts = by_key, surfaces, counts
        return loaded


def _strings(raw: Any) -> dict[str, str]:
    """``raw`` as a dictionary of strings; TypeError when it is none."""
    if not isinstance(raw, dict) or not all(isinstance(v, str) for v in raw.values()):
        raise TypeError
    return {str(k): v for k, v in raw.items()}


def _resembles(match: regex.Match[str]) -> bool:
    """Whether bracketed text is, or is close to, one of our labels."""
    inner = match["in"]
    square = match[0][0] == "[" or match[0][-1] == "]"
    if square and _SHAPE.fullmatch(inner):
        return True
    head = regex.split(r"[\s_-]*\d|[-_]", inner.strip())[0].upper().strip()
    if head in _NAMES:
        return square or inner != inner.lower()
    return (
        square
        and len(head) >= 4  # noqa: PLR2004 - a number of the rule itself
        and any(_distance(head, name) <= _NEAR for name in _NAMES if len(name) >= 4)  # noqa: PLR2004 - a number of the rule itself
    )


def _distance(one: str, other: str) -> int:
    """Edits between two words, counted no further than needed."""
    if abs(len(one) - len(other)) > _NEAR:
        return _NEAR + 1
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        previous, row[0] = row[0], i
        for j, b in enumerate(other, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (a != b))
    return row[-1]
