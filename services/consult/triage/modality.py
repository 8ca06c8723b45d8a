"""Tells whether words speak of something that is there now.

Every hit of a concept gets one status. Cues come from ``modality.yaml``: *no* and its kin deny
what follows them, *years ago* puts its clause in the past, *what are the signs of* asks about the
rest of its sentence, *if someone* supposes it, *homework* or *a novel* sets the whole message
elsewhere and *the news* its sentence, unless a sentence speaks of the person; a figure of speech
covers only its own words, and so does a habit of sleep (*snores and stops breathing*) where
nothing in the message makes it one of this hour. A new subject (*I have*, *my son is*) ends a
question's or a supposition's reach. In doubt a hit is present.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from enum import StrEnum

from services.consult.triage.normalise import SENTENCE_ENDS
from services.consult.triage.patterns import Hit

CUES = (
    "negation",
    "long_negation",
    "not_negation",
    "past",
    "not_past",
    "earlier",
    "question",
    "ask",
    "somebody",
    "supposition",
    "elsewhere",
    "elsewhere_here",
    "not_elsewhere",
    "own",
    "figure",
    "habit",
    "not_habit",
    "split",
    "subject",
    "list",
)
"""The kinds of cue that ``modality.yaml`` gives."""

_PAUSE = ","
_OR = frozenset({"or", "nor", "ni", "o"})
_DENIED_WORDS = 5
_DENIED_WORDS_LONG = 9
_ATTACHED_CLAUSE = 5
_EARLIER_WORDS = 6


class Status(StrEnum):
    """What is said of a concept."""

    PRESENT = "present"
    NEGATED = "negated"
    PAST = "past"
    QUESTION = "question about a condition"
    SUPPOSED = "supposed"
    ELSEWHERE = "told of someone else or of a text"
    FIGURE = "figure of speech"
    HABIT = "habit of sleep"


class Modality:
    """The statuses of one message; made once, then asked for every hit.

    Args:
        tokens: the message.
        cues: hits of cues, ``Hit.name`` being one of :data:`CUES`.
        concepts: hits of concepts; a *not* that belongs to one (*not breathing*) denies nothing.
    """

    def __init__(self, tokens: Sequence[str], cues: Iterable[Hit], concepts: Iterable[Hit]) -> None:
        self._tokens = tokens
        self._by_kind: dict[str, list[Hit]] = {kind: [] for kind in CUES}
        for cue in cues:
            self._by_kind[cue.name].append(cue)
        self._clause, self._sentence = self._number_clauses()
        self._denied = self._find_denied(frozenset(h.start for h in concepts))
        self._past = self._find_past()
        self._earlier = self._reach("earlier", _EARLIER_WORDS)
        self._asked = self._until_subject("question")
        self._persons = {self._sentence[c.start] for c in self._by_kind["somebody"]}
        self._general = self._find_general()
        self._supposed = self._until_subject("supposition")
        self._figure = _covered(self._by_kind["figure"])
        self.habits = [] if self._by_kind["not_habit"] else self._by_kind["habit"]
        self._habit = _covered(self.habits)
        self._elsewhere = self._find_elsewhere()
        self._own = {self._sentence[c.start] for c in self._by_kind["own"]}

    def status(self, start: int, end: int) -> Status:
        """Return the status of what stands at tokens ``start`` to ``end``, both included."""
        reasons = (
            (start in self._figure or end in self._figure, Status.FIGURE),
            (start in self._habit and end in self._habit, Status.HABIT),
            (start in self._denied, Status.NEGATED),
            (start in self._supposed, Status.SUPPOSED),
            (start in self._asked, Status.QUESTION),
            (self._sentence[start] in self._general, Status.QUESTION),
            (self._clause[start] in self._past or start in self._earlier, Status.PAST),
            (self._is_elsewhere(self._sentence[start]), Status.ELSEWHERE),
        )
        return next((status for holds, status in reasons if holds), Status.PRESENT)

    def sentence(self, position: int) -> int:
        """Return the number of the sentence in which token ``position`` stands."""
        return self._sentence[position]

    def of_somebody(self, position: int) -> bool:
        """Return whether the sentence of token ``position`` speaks of a person, or of now."""
        return self._sentence[position] in self._persons

    def _find_elsewhere(self) -> frozenset[int] | None:
        """Sentences set elsewhere; None when the whole message is."""
        spared = {p for c in self._by_kind["not_elsewhere"] for p in range(c.start, c.end + 1)}
        if any(c.start not in spared for c in self._by_kind["elsewhere"]):
            return None
        here = (c for c in self._by_kind["elsewhere_here"] if c.start not in spared)
        return frozenset(self._sentence[c.start] for c in here)

    def _is_elsewhere(self, sentence: int) -> bool:
        told = self._elsewhere is None or sentence in self._elsewhere
        return told and sentence not in self._own

    def _number_clauses(self) -> tuple[list[int], list[int]]:
        """Number each token's clause and sentence; a comma or a split cue begins a clause."""
        splits = {c.start for c in self._by_kind["split"]}
        clause = sentence = 0
        clauses, sentences = [], []
        for position, word in enumerate(self._tokens):
            if position in splits:
                clause += 1
            clauses.append(clause)
            sentences.append(sentence)
            if word in SENTENCE_ENDS:
                sentence += 1
            if word == _PAUSE or word in SENTENCE_ENDS:
                clause += 1
        return clauses, sentences

    def _find_denied(self, taken: frozenset[int]) -> frozenset[int]:
        pseudo = {p for c in self._by_kind["not_negation"] for p in range(c.start, c.end + 1)}
        bare = {c.start for c in self._by_kind["negation"] if c.start == c.end}
        opens: dict[int, int] = {}
        inside: set[int] = set()  # "dont feel suicidal": what begins inside the cue is denied too
        for kind, words in (("negation", _DENIED_WORDS), ("long_negation", _DENIED_WORDS_LONG)):
            for cue in self._by_kind[kind]:
                own = {cue.start} | bare & set(range(cue.start, cue.end + 1))
                if cue.start not in pseudo and not own & taken:
                    opens[cue.end + 1] = words
                    inside.update(range(cue.start + 1, cue.end + 1))
        breaks = {c.start for c in self._by_kind["split"] + self._by_kind["subject"]} | taken & {
            c.start for k in ("negation", "long_negation") for c in self._by_kind[k]
        }
        goes_on = self._lists_ahead()
        denied = inside
        left = 0
        for position, word in enumerate(self._tokens):
            if position in opens:
                left = opens[position]
            elif word in SENTENCE_ENDS or position in breaks:
                left = 0
            elif word == _PAUSE:
                left = _DENIED_WORDS if left and goes_on[position] else 0
            elif word in _OR and left:
                left = _DENIED_WORDS
            if left:
                denied.add(position)
                left -= 1
        return frozenset(denied)

    def _lists_ahead(self) -> list[bool]:
        """For each token: does an *or* follow in its sentence before a new subject?"""
        ahead = False
        marks = {c.start for c in self._by_kind["list"]}
        stops = {c.start for c in self._by_kind["subject"] + self._by_kind["split"]}
        result = [False] * len(self._tokens)
        for position in range(len(self._tokens) - 1, -1, -1):
            if position in marks:
                ahead = True
            elif self._tokens[position] in SENTENCE_ENDS or position in stops:
                ahead = False
            result[position] = ahead
        return result

    def _find_past(self) -> frozenset[int]:
        spared = {p for c in self._by_kind["not_past"] for p in range(c.start, c.end + 1)}
        sizes: dict[int, int] = {}
        for number in self._clause:
            sizes[number] = sizes.get(number, 0) + 1
        past: set[int] = set()
        for cue in self._by_kind["past"]:
            if cue.start in spared:
                continue
            number = self._clause[cue.start]
            past.add(number)
            # "Two years ago, I had …": a clause of nothing but the time belongs to the next.
            if sizes[number] <= _ATTACHED_CLAUSE and cue.end - cue.start + 2 >= sizes[number]:
                past.add(number + 1)
        return frozenset(past)

    def _find_general(self) -> frozenset[int]:
        """Sentences that open like a question and speak of nobody."""
        first: dict[int, int] = {}
        for position, number in enumerate(self._sentence):
            first.setdefault(number, position)
        opening = frozenset(first.values())
        asking = {self._sentence[c.start] for c in self._by_kind["ask"] if c.start in opening}
        return frozenset(asking - self._persons)

    def _reach(self, kind: str, words: int) -> frozenset[int]:
        """Positions up to ``words`` after a cue, within its clause."""
        return frozenset(
            p
            for cue in self._by_kind[kind]
            for p in range(cue.end + 1, min(cue.end + 1 + words, len(self._tokens)))
            if self._clause[p] == self._clause[cue.end]
        )

    def _until_subject(self, kind: str) -> frozenset[int]:
        """Positions after a cue up to a new subject or the end of the sentence."""
        ends = [i for i, t in enumerate(self._tokens) if t in SENTENCE_ENDS]
        stops = sorted({*ends, *(c.start for c in self._by_kind["subject"]), len(self._tokens)})
        covered: set[int] = set()
        for cue in self._by_kind[kind]:
            stop = stops[bisect_right(stops, cue.end)]
            # Overlapping cues would walk the same words again; the first one covers them.
            start = cue.start if cue.start not in covered else stop
            covered.update(range(start, stop))
        return frozenset(covered)


def _covered(cues: Iterable[Hit]) -> frozenset[int]:
    return frozenset(p for c in cues for p in range(c.start, c.end + 1))
