"""The draft as a reader needs it: warnings first, then sentence by sentence with its source."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from services.consult.messages import Citation, Fact, Status
from services.hospital.authorship import Piece, pieces
from services.hospital.chart.referred import Caution, cautions, read_facts
from services.hospital.desk import DeskItem
from services.web.i18n import Translator

Part = Literal["answer", "do", "seek"]
PARTS: tuple[Part, ...] = ("answer", "do", "seek")
"""The structure that is suggested for a reply: the answer, what to do, when to seek care."""
_DO = frozenset(
    {
        "alcohol",
        "diet",
        "do-not",
        "dose",
        "how-to-take",
        "missed-dose",
        "overdose",
        "preparation",
        "prevention",
        "self-care",
        "stopping",
        "storage",
        "tips",
        "treatment",
        "what-to-do",
    }
)
"""Sections of the knowledge that say what to do."""
_SEEK = frozenset({"when-to-seek-care"})


@dataclass(frozen=True)
class Said:
    """One sentence of a draft.

    Attributes:
        index: in the draft.
        text: its words.
        facts: those that came and carry it, with their numbers.
        sources: numbers of the sources that carry it.
        cautions: what of the record stands against it.
    """

    index: int
    text: str
    facts: tuple[tuple[int, Fact], ...]
    sources: tuple[int, ...]
    cautions: tuple[Caution, ...]


@dataclass(frozen=True)
class DraftView:
    """A draft made ready: what the record says, then the suggested parts (empty ones too)."""

    record: tuple[Said, ...]
    parts: tuple[tuple[Part, tuple[Said, ...]], ...]

    @property
    def sentences(self) -> tuple[Said, ...]:
        """All sentences, those of the record first."""
        return (*self.record, *(said for _, found in self.parts for said in found))

    @property
    def cautions(self) -> tuple[tuple[Said, Caution], ...]:
        """Everything that stands against a sentence, to be read before the draft."""
        return tuple((said, caution) for said in self.sentences for caution in said.cautions)


def view_draft(item: DeskItem, facts: list[Fact], language: str) -> DraftView:
    """Arrange a draft.

    Args:
        item: the referral.
        facts: those that crossed, in the order of the page, numbered from 1.
        language: of the reader.
    """
    draft = item.draft
    if draft is None or draft.status is not Status.ANSWERED:
        return DraftView((), tuple((part, ()) for part in PARTS))
    referred = read_facts(item.question, datetime.now(UTC).date())
    texts = {fact.text: (number, fact) for number, fact in enumerate(facts, 1)}
    numbers = {source.id: number for number, source in enumerate(draft.citations, 1)}
    record: list[Said] = []
    parts: dict[Part, list[Said]] = {part: [] for part in PARTS}
    for index, sentence in enumerate(draft.sentences):
        own = (texts[sentence.text],) if sentence.text in texts else ()
        cited = tuple(numbers[c] for c in sentence.citations if c in numbers)
        against = () if own else tuple(cautions(sentence.text, referred, language))
        said = Said(index, sentence.text, own, () if own else cited, against)
        (record if own else parts[_part(sentence.citations)]).append(said)
    return DraftView(tuple(record), tuple((part, tuple(parts[part])) for part in PARTS))


def _part(citations: tuple[str, ...]) -> Part:
    """The part of a reply by the section of the passage that a sentence is quoted from."""
    sections = {citation.partition("#")[2] for citation in citations}
    if sections & _SEEK:
        return "seek"
    return "do" if sections & _DO else "answer"


def knowledge_of(item: DeskItem, facts: list[Fact]) -> list[tuple[int, Citation]]:
    """The draft's sources but those that are facts of the record, with the draft's numbers."""
    if item.draft is None:
        return []
    own = {fact.text for fact in facts}
    numbered = enumerate(item.draft.citations, 1)
    return [(number, source) for number, source in numbered if source.quote not in own]


def arranged(view: DraftView, t: Translator) -> str:
    """The draft under the headings of the suggested structure, for the reply.

    Args:
        view: the draft.
        t: translator into the patient's language.
    """
    blocks = [" ".join(said.text for said in view.record)] if view.record else []
    for part, found in view.parts:
        if found:
            blocks.append(f"{t(f'draft.part.{part}')}\n{' '.join(said.text for said in found)}")
    return "\n\n".join(blocks)


def marks(item: DeskItem, text: str) -> tuple[Piece, ...]:
    """A text in pieces, each the draft's or the clinician's own."""
    sentences = [s.text for s in item.draft.sentences] if item.draft else []
    return pieces(text, sentences)
