"""What experts said when they were asked once, and how it goes together."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, NamedTuple

from services.consult.messages import Citation, Message, ModelCardRef, Sentence, Status, Urgency
from services.hospital.desk import DeskItem

DRAFT = "draft"
"""Whose name the draft on the desk goes by among the opinions."""
Trouble = Literal["time", "gone", "busy", "failed"]
"""Why an expert gave no opinion: no time left, taken away meanwhile, no room, or an error."""
Outcome = Literal["said", "unsourced", "silent", "time", "gone", "busy", "failed"]
"""What came of asking: only ``said`` is an opinion. ``unsourced``: it wrote, and no source carries
any of it; ``silent``: it said that it does not know, or nothing."""
Kind = Literal["numbers", "polarity", "opposite", "degree", "same"]
"""How two statements go together, see `services.hospital.opinions.relation`."""
Verdict = Literal["contradict", "degree", "differ", "agree", "one", "none"]


class Began(NamedTuple):
    """An expert has its turn and begins to answer; ``by`` is its id."""

    by: str


class Opinion(Message):
    """What one expert said.

    Attributes:
        by: id of the expert, or `DRAFT`.
        brick: ``id@version`` that wrote it; None for the draft.
        title: of the expert, for people.
        sentences: that a source carries; citations: those sources.
        unsourced: number of sentences that none carries; they are not kept.
        seconds: that it took from its turn on; waited: before that.
        own: whether it had sources of its own field beside those that all were given.
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
    waited: float = 0.0
    own: bool = False
    trouble: Trouble | None = None

    @property
    def outcome(self) -> Outcome:
        """What came of asking it."""
        if self.trouble or self.sentences:
            return self.trouble or "said"
        return "unsourced" if self.unsourced else "silent"

    @property
    def passages(self) -> frozenset[str]:
        """Ids of what it is drawn from."""
        return frozenset(id_ for said in self.sentences for id_ in said.citations)


class Finding(Message):
    """Two statements on one matter, of two opinions.

    Attributes:
        kind: how they go together; ``degree`` and ``same`` contradict nothing.
        first, second: who says them; said: what, in that order.
    """

    kind: Kind
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
        findings: statements on one matter, what contradicts first.
    """

    asked: datetime
    by: str
    urgency: Urgency = Urgency.ROUTINE
    reason: str | None = None
    opinions: tuple[Opinion, ...] = ()
    findings: tuple[Finding, ...] = ()
    verdict: Verdict = "none"

    @property
    def disagreements(self) -> tuple[Finding, ...]:
        """What contradicts or differs in degree."""
        return tuple(one for one in self.findings if one.kind != "same")


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
