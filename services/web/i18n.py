"""The words of the pages, in English and Spanish, read from YAML catalogues.

A catalogue is one folder with ``en.yaml`` and ``es.yaml``, or with folders ``en`` and ``es`` of
files by subject: nested maps whose leaves are sentences with ``{name}`` places. Keys are written
with dots (``frame.skip``). A leaf that counts something has the forms ``one`` and ``other``, chosen
by the value ``count``.

Example:
    >>> t = Catalogue.load(COMMON).translator("es")
    >>> t("tier.answered", tier=t("tier.clinic"))
    'Respondido por su clínica'
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args

from compliance.yamltext import read_yaml

Language = Literal["en", "es"]
"""Languages of the product, as BCP 47 tags."""

LANGUAGES: tuple[Language, ...] = get_args(Language)
"""All languages; the first is the one to fall back to."""

COMMON = Path(__file__).parent / "locale"
"""Folder of the words that every page shares."""

Translator = Callable[..., str]
"""``(key, **values) -> sentence``; an unknown key is a ``KeyError`` with the key."""

_PLACE = re.compile(r"\{(\w+)\}")


def _leaves(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Walk nested maps and give (dotted key, sentence)."""
    for key, value in tree.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", str(value)


def _files(folder: Path, language: Language) -> list[Path]:
    """The files of one language."""
    parts = sorted((folder / language).glob("*.yaml"))
    return parts or [folder / f"{language}.yaml"]


@cache
def _read(file: Path, _changed: int) -> tuple[tuple[str, str], ...]:
    """The sentences of a file as it was changed last, by their dotted keys."""
    return tuple(_leaves(read_yaml(file.read_text("utf-8"))))


@dataclass(frozen=True)
class Catalogue:
    """Sentences per language: ``{language: {dotted key: sentence}}``."""

    sentences: Mapping[Language, Mapping[str, str]]

    @classmethod
    def load(cls, *folders: Path) -> Catalogue:
        """Read the folders in order; a later folder may override an earlier one's sentence.

        Raises:
            FileNotFoundError: a folder lacks the files of a language.
        """
        return cls(
            {
                language: dict(
                    leaf
                    for folder in folders
                    for file in _files(folder, language)
                    for leaf in _read(file, file.stat().st_mtime_ns)
                )
                for language in LANGUAGES
            }
        )

    def translator(self, language: str) -> Translator:
        """Bind a language; one that is not known falls back to English.

        Values go in as they are and are not looked at for places of their own, so text that a
        person wrote cannot pull in other values.
        """
        known = self.sentences[negotiate(language)]

        def translate(key: str, **values: object) -> str:
            found = known.get(key)
            if found is None and "count" in values:
                found = known.get(f"{key}.{'one' if values['count'] == 1 else 'other'}")
            if found is None:
                raise KeyError(key)
            return _PLACE.sub(lambda place: str(values.get(place[1], place[0])), found)

        return translate

    def as_json(self, language: str, *prefixes: str) -> str:
        """Sentences under the prefixes as one JSON object, for the modules of a page.

        A prefix is a section (``frame``) or a part of one (``worklist.did``).
        """
        known, whole = self.sentences[negotiate(language)], tuple(f"{one}." for one in prefixes)
        chosen = {key: text for key, text in known.items() if f"{key}.".startswith(whole)}
        return json.dumps(chosen, ensure_ascii=False, separators=(",", ":"))


def negotiate(accept: str | None) -> Language:
    """The best language for an ``Accept-Language`` header or a bare tag (RFC 9110, 12.5.4).

    Weights are honoured; anything unreadable or unknown gives English.
    """
    best: tuple[float, Language] = (0.0, LANGUAGES[0])
    for part in (accept or "").split(","):
        tag, _, parameters = part.strip().partition(";")
        name = tag.split("-")[0].strip().lower()
        weight = re.fullmatch(r"\s*q=([01](?:\.\d{0,3})?)\s*", parameters)
        score = float(weight[1]) if weight else (0.0 if parameters.strip() else 1.0)
        for language in LANGUAGES:
            if name == language and score > best[0]:
                best = (score, language)
    return best[1]


def translator(language: str) -> Translator:
    """Translator over the shared words alone."""
    return Catalogue.load(COMMON).translator(language)
