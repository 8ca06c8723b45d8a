"""What experts said when they were asked once, and how it goes together."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from services.consult.messages import Citation, Message, ModelCardRef, Sentence, Status, Urgency
from services.hospital.desk import DeskItem

DRAFT = "draft"
"""Whose name the draft on the desk goes by among the opinions."""
Trouble = Literal["time", "gone", "busy", "failed"]
"""Why an expert gave no opinion: no time left, taken away meanwhile, no room, or an error."""
Verdict = Literal["contradict", "differ", "agree", "one", "none"]


class Opinion(Message):
    """What one expert said.

    Attributes:
        by: id of the expert, or `DRAFT`.
        brick: ``id@version`` that wrote it; None for the draft.
        title: of the expert, for people.
        sentences: that a source carries; citations: those sources.
        unsourced: number of sentences that none carries; they are not kept.
        seconds: that it took.
        trouble: why there is no opinion; None where there is one, an empty one too.
    """

    by: str
    brick: str | None = None
    title: str = ""
    model: ModelCardRef | None = None
    sentences: tuple[Sentence, ...] = ()
    citations: tuple[Citation, ...] = ()
    unsourced: int = 0
    seconds: float = 0.0
    trouble: Trouble | None = None

    @property
    def passages(self) -> frozenset[str]:
        """Ids of what it is drawn from."""
        return frozenset(id_ for said in self.sentences for id_ in said.citations)


class Finding(Message):
    """Two sentences that contradict one another.

    Attributes:
        kind: ``numbers`` or ``polarity`` (one says not).
        first, second: who says them; said: what, in that order.
    """

    kind: Literal["numbers", "polarity"]
    first: str
    second: str
    said: tuple[str, str]


class Round(Message):
    """One time of asking.

    Attributes:
        asked: when; by: id of the user.
        urgency: what triage said; of an emergency nobody was asked.
        reason: why there was no material to answer from, as the consult says it; None where there
            was.
        opinions: the draft first, where there is one, then the experts.
        findings: what contradicts.
    """

    asked: datetime
    by: str
    urgency: Urgency = Urgency.ROUTINE
    reason: str | None = None
    opinions: tuple[Opinion, ...] = ()
    findings: tuple[Finding, ...] = ()
    verdict: Verdict = "none"


def of_draft(item: DeskItem) -> Opinion | None:
    """The draft on the desk as an opinion; the record's own facts are nobody's opinion."""
    draft = item.draft
    if draft is None or draft.status is not Status.ANSWERED:
        return None
    facts = {fact.id for fact in item.question.facts}
    said = tuple(s for s in draft.sentences if not facts.issuperset(s.citations))
    used = {id_ for one in said for id_ in one.citations}
    cited = tuple(c for c in draft.citations if c.id in used)
    return Opinion(by=DRAFT, model=draft.model, sentences=said, citations=cited)
