"""A preview that the person changes: more words masked by hand, a wrong mask taken off.

Masking is always allowed. A mask comes off only where it can have been a mistake: a word that
looked like a name, a place or an organisation, and that the record does not know as one of its own.
What has a form of its own (a date, a number, an address) and what the record names stays masked.

Each change makes another preview, and the one before is gone: what is sent is what was seen last.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from compliance.deidentify import Deidentifier, PlaceholderMap
from compliance.errors import BadInputError, NotFoundError
from patient_app.member import Member
from patient_app.saying import in_words
from services.consult import wording
from services.consult.messages import Disclosure, Level, Offer, Turn
from services.exchange.messages import ReferredQuestion

MAX_CHANGES = 40
MAX_WORDS_CHARS = 300
OWN = "OWN_WORDS"
"""Entity type of what the person masked; its placeholder reads ``[ID-1]``."""
UNMASKED = "+unmasked"
"""Added to the detector on the receipt where the person took a mask of the detector's off."""
DOUBTFUL = ("[PERSON", "[LOCATION", "[ORGANIZATION")
"""Beginnings of the placeholders that stand for something that was only like a name."""


def may_unmask(
    deidentifier: Deidentifier, member: Member, placeholder: str, value: str, language: Any
) -> bool:
    """Whether a mask can have been a mistake of the detector."""
    if not placeholder.startswith(DOUBTFUL):
        return False
    found = deidentifier.detect(value, language=language, known=member.known)
    return all(f"[{one.type}".startswith(DOUBTFUL) and not _recorded(one) for one in found)


def _recorded(entity: Any) -> bool:
    """Whether the record itself names it."""
    return str(entity.recognizer).startswith("Known")


def change(
    deidentifier: Deidentifier,
    member: Member,
    preview_id: str,
    mask: tuple[str, ...] = (),
    unmask: tuple[str, ...] = (),
) -> Offer:
    """Mask and unmask in a preview; returns the one that takes its place.

    Args:
        deidentifier: judges whether a mask may come off.
        member: whose preview.
        preview_id: the one that was seen.
        mask: words of the preview to take out, wherever they stand.
        unmask: placeholders to put the words back for.

    Raises:
        NotFoundError: there is no such preview.
        BadInputError: the words are not in it, or the mask may not come off; nothing changed.
    """
    edit = _Edit.of(member, preview_id)
    for words in mask:
        edit.mask(words)
    for placeholder in unmask:
        edit.unmask(placeholder, deidentifier, member)
    return edit.keep(member, preview_id)


@dataclass
class _Edit:
    """A preview while it is changed."""

    row: dict[str, Any]
    referred: ReferredQuestion
    mapping: PlaceholderMap
    own: set[str]

    @classmethod
    def of(cls, member: Member, preview_id: str) -> _Edit:
        row = member.vault.get("preview", preview_id)
        if row is None:
            raise NotFoundError("There is no such preview, or it was sent already.")
        referred = ReferredQuestion.model_validate_json(row["payload"])
        mapping = member.placeholder_map(row["conversation"])
        return cls(row, referred, mapping, set(row.get("own", ())))

    def mask(self, words: str) -> None:
        """Take words out everywhere."""
        placeholder = self.mapping.placeholder(OWN, " ".join(words.split()))
        masked = _everywhere(self.referred, _masking(words, placeholder))
        if masked == self.referred:
            raise BadInputError(
                "These words are not in what would leave.",
                remedy="Mark words of the text itself; age, country and language cannot be masked.",
            )
        self.referred = masked
        self.own.add(placeholder)

    def removable(self, placeholder: str, deidentifier: Deidentifier, member: Member) -> bool:
        """Whether a mask of the person's own, or one that can be a mistake, may come off."""
        value = self.mapping.placeholders().get(placeholder, "")
        language = self.referred.person.language
        return placeholder in self.own or (
            bool(value) and may_unmask(deidentifier, member, placeholder, value, language)
        )

    def unmask(self, placeholder: str, deidentifier: Deidentifier, member: Member) -> None:
        """Put the words back."""
        if not self.removable(placeholder, deidentifier, member):
            raise BadInputError(
                "This mask stays: it can tell who you are.",
                remedy="Dates, numbers, addresses and names of your record are never sent.",
            )
        value = self.mapping.placeholders()[placeholder]
        self.referred = _everywhere(self.referred, lambda text: text.replace(placeholder, value))
        if placeholder not in self.own and not self.row["detector"].endswith(UNMASKED):
            self.row["detector"] += UNMASKED
        self.own.discard(placeholder)

    def keep(self, member: Member, before: str) -> Offer:
        """Put the changed preview in the place of the one before."""
        shown = Disclosure.model_validate(self.row["disclosure"])
        text, payload = in_words(self.referred), self.referred.model_dump_json()
        marks = {k: v for k, v in self.mapping.placeholders().items() if k in text}
        told = {"text": text, "placeholders": marks, "bytes": len(payload.encode())}
        disclosure = shown.model_copy(update=told)
        id_ = str(uuid4())
        changed = {
            "payload": payload,
            "disclosure": disclosure.model_dump(mode="json"),
            "own": sorted(self.own),
        }
        with member.vault.write() as tx:
            if not tx.delete("preview", before):
                raise NotFoundError("There is no such preview, or it was sent already.")
            tx.put("map", self.row["conversation"], self.mapping.to_json())
            tx.put("preview", id_, self.row | changed)
        reason = wording.offer(Level(shown.destination), self.referred.person.language)
        return Offer(preview_id=id_, disclosure=disclosure, reason=reason)


def removable(deidentifier: Deidentifier, member: Member, preview_id: str) -> list[str]:
    """Placeholders of a preview whose mask may come off.

    Raises:
        NotFoundError: there is no such preview.
    """
    edit = _Edit.of(member, preview_id)
    held = Disclosure.model_validate(edit.row["disclosure"]).placeholders
    return [mark for mark in held if edit.removable(mark, deidentifier, member)]


def _everywhere(referred: ReferredQuestion, change: Callable[[str], str]) -> ReferredQuestion:
    """Change every text of the person's that leaves together."""
    return referred.model_copy(
        update={
            "text": change(referred.text),
            "history": tuple(Turn(role=t.role, text=change(t.text)) for t in referred.history),
            "facts": tuple(f.model_copy(update={"text": change(f.text)}) for f in referred.facts),
        }
    )


_PLACEHOLDER = re.compile(r"(\[[A-Z][A-Z0-9+]*(?:-[A-Z0-9+]+)*\])")


def _masking(words: str, placeholder: str) -> Callable[[str], str]:
    """Replace whole words outside the placeholders that stand already."""
    looser = r"\s+".join(re.escape(word) for word in words.split())
    wanted = re.compile(rf"(?<!\w){looser}(?!\w)", re.IGNORECASE)

    def change(text: str) -> str:
        parts = _PLACEHOLDER.split(text)
        return "".join(
            part if at % 2 else wanted.sub(lambda _: placeholder, part)
            for at, part in enumerate(parts)
        )

    return change
