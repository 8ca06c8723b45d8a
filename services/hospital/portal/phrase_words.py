"""Phrases as the portal shows and takes them: groups of the page, typed words, the picker."""

from __future__ import annotations

from typing import Any

from services.hospital.accounts import SignedIn
from services.hospital.phrases import PhraseView, Words
from services.hospital.phrases.words import MAX_CHARS
from services.hospital.portal.placeholders import placeholders
from services.hospital.portal.texts import clean

MAX_FIELD_CHARS = 2 * MAX_CHARS
GROUPS = ("review", "mine", "shared", "starting", "retired")
"""In the order of the page: what waits for this clinician comes first."""


def group_of(view: PhraseView, who: SignedIn) -> str:
    """Where on the page a phrase stands for this clinician."""
    mine = view.owner == who.user.id
    if view.state in {"starting", "retired"}:
        return view.state
    if view.state == "waiting" and not mine:
        return "review"
    return "mine" if mine else "shared"


def words_typed(title: str, english: str, spanish: str) -> Words:
    """What was typed, cleaned and cut to a length that can still be shown again."""
    return Words(
        clean(title[:MAX_FIELD_CHARS]).replace("\n", " "),
        clean(english[:MAX_FIELD_CHARS]),
        clean(spanish[:MAX_FIELD_CHARS]),
    )


def told_of(view: PhraseView, language: str) -> dict[str, Any]:
    """A phrase for the picker, with the placeholders that each text names."""
    words = view.words
    return {
        "id": view.id,
        "title": view.title(language),
        "en": words.english,
        "es": words.spanish,
        "state": view.state,
        "named": {
            "en": list(placeholders(words.english)),
            "es": list(placeholders(words.spanish)),
        },
    }
