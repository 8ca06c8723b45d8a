"""What a phrase says, and how it stands for somebody who looks at it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from compliance.errors import BadInputError

MAX_TITLE_CHARS = 120
MAX_CHARS = 4_000
State = Literal["own", "waiting", "shared", "retired", "starting"]


@dataclass(frozen=True)
class Words:
    """Title and text of a phrase; a language that it is not written in is empty."""

    title: str
    english: str
    spanish: str

    def text(self, language: str) -> str:
        """In a language; empty where it is not written in it."""
        return self.spanish if language == "es" else self.english

    def check(self) -> Words:
        """These words without white space around them.

        Raises:
            BadInputError: there is no title or no text, or one is too long.
        """
        found = Words(self.title.strip(), self.english.strip(), self.spanish.strip())
        if not found.title or len(found.title) > MAX_TITLE_CHARS:
            raise BadInputError(f"A phrase needs a title of at most {MAX_TITLE_CHARS} characters.")
        if not (found.english or found.spanish):
            raise BadInputError("A phrase needs a text in English, in Spanish, or in both.")
        if max(len(found.english), len(found.spanish)) > MAX_CHARS:
            raise BadInputError(f"A phrase has at most {MAX_CHARS} characters.")
        return found


@dataclass(frozen=True)
class VersionView:
    """One version of a phrase."""

    number: int
    words: Words
    written_by: str
    written: datetime
    approved_by: str | None
    approved: datetime | None


@dataclass(frozen=True)
class PhraseView:
    """A phrase as one clinician sees it.

    Attributes:
        words: of the version that this clinician would put in: the owner's newest, else the shared.
        number: of that version.
        state: ``own`` (nobody else sees it), ``waiting`` (for a second clinician), ``shared``,
            ``retired``, ``starting`` (Caretier's own).
        owner: id of the user; empty for Caretier's own.
        wanted: the version that waits, if one does; shared: the one that all see, if there is one.
        versions: the newest first; of a list they are left out.
        titles: by language, of Caretier's own.
    """

    id: str
    words: Words
    number: int
    state: State
    owner: str = ""
    wanted: int | None = None
    shared: int | None = None
    versions: tuple[VersionView, ...] = ()
    titles: Mapping[str, str] = field(default_factory=dict)

    def title(self, language: str) -> str:
        """The title for a reader of a language."""
        return self.titles.get(language, self.words.title)
