"""Checking a change: ingested, screened, compared, measured; then it waits for a person, or not."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from services.bricks.errors import BrickError
from services.bricks.ingest.report import Finding
from services.bricks.manifest import BrickManifest, Evaluation
from services.bricks.operations.content import PackContent, content_of_brick
from services.bricks.operations.evaluate import OWN, own_questions
from services.bricks.operations.workshop import Workshop
from services.bricks.serving import is_retired
from services.bricks.topic import Topic
from services.learning.models import KnowledgeChange
from services.learning.sources.candidate import (
    Candidate,
    judge_content,
    read_snapshot,
    words_digest,
)
from services.learning.sources.catalogue import Listed, SourceList
from services.learning.sources.difference import difference, totals
from services.learning.sources.errors import SourceRefusedError
from services.learning.sources.filing import Candidates
from services.learning.sources.gates import BESIDE, PROTECTED, RETRIEVAL, Facts, may_be_shown
from services.learning.sources.protected import Protected, Search
from services.learning.sources.snapshot import Shelf, Snapshot

MOST_PROBLEMS = 20
VERSIONS = 3
"""Versions of a source's brick, one of which is in use."""


@dataclass(frozen=True)
class Former:
    """What a source's last brick holds.

    Attributes:
        manifest: None before the first.
        topics: empty where the brick was retired.
        retired: ids of topics that people took out of it; they do not come back by themselves.
        own: ids of topics of its last versions, one of which may be in use.
    """

    manifest: BrickManifest | None = None
    topics: tuple[Topic, ...] = ()
    retired: tuple[str, ...] = ()
    own: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Checked:
    """What came of a check: nothing new when ``candidate`` is None."""

    candidate: str | None
    values: Mapping[str, Any]
    holds: bool = False


@dataclass(frozen=True)
class Checking:
    """Makes candidates of snapshots and measures them.

    Attributes:
        shop: its store holds the bricks of sources, its embedder is the search's.
        catalogue: the reviewed list.
        shelf: files of snapshots; candidates: where candidates are put.
        in_use: topics that the hospital answers from now.
        protected: questions that have to stay answerable.
    """

    shop: Workshop
    catalogue: SourceList
    shelf: Shelf
    candidates: Candidates
    in_use: Callable[[], Sequence[Topic]]
    protected: Sequence[Protected]

    def __call__(
        self, row: KnowledgeChange, snapshot: Snapshot, refused: str | None = None
    ) -> Checked:
        """Check a change of knowledge.

        Args:
            row: the change.
            snapshot: that it is made of.
            refused: words of the candidate that a person refused last; the same are nothing new.

        Raises:
            SourceRefusedError: nothing in the snapshot can be used.
            NotFoundError: the source is no longer listed.
        """
        source = self.catalogue.of(row.source)
        with self.candidates.work() as work:
            return self._check(source, row, snapshot, work, refused)

    def _check(
        self,
        source: Listed,
        row: KnowledgeChange,
        snapshot: Snapshot,
        work: Path,
        refused: str | None,
    ) -> Checked:
        former = self.former(source)
        self.shop.say(f"{source.id}: reading {len(snapshot.parts)} files")
        said, topics, told = read_snapshot(source, snapshot, self.shelf, work)
        read = said, tuple(t for t in topics if t.head.id not in former.retired), told
        held = [topic for topic in self.in_use() if topic.head.id not in former.own]
        kept = tuple(row.kept or ())
        self.shop.say(f"{source.id}: comparing {len(topics)} topics with {len(held)} in use")
        candidate = judge_content(read, held, kept)
        words = words_digest(candidate.topics)
        if words in {words_digest(former.topics), refused} and not candidate.quarantined:
            return Checked(None, {})
        facts = self._facts(source, candidate, former, held, kept)
        today = self.shop.now().date()
        criteria = may_be_shown(source, self.catalogue.limits, candidate, facts, today)
        report = {
            **heading(source, snapshot),
            **findings(candidate, former),
            "words": words,
            "kept": kept,
            "criteria": [asdict(one) for one in criteria],
            "evaluations": [one.model_dump(mode="json") for one in facts.evaluations],
        }
        pack = (candidate.said, list(candidate.topics)) if candidate.topics else None
        digest = self.candidates.put(work, report, pack)
        shown = {name: report[name] for name in ("former", "counts", "criteria")}
        holds = pack is not None and all(one.holds for one in criteria)
        return Checked(digest, {"candidate": digest, **shown}, holds)

    def former(self, source: Listed) -> Former:
        """What the source's last brick holds.

        A brick that was retired holds nothing: what comes next is wholly new to whoever looks.
        """
        refs = self.shop.store.refs(source.id)
        if not refs:
            return Former()
        last = self.shop.store.get(refs[-1])
        own = frozenset(id_ for ref in refs[-VERSIONS:] for id_ in self._ids(ref))
        if is_retired(last):
            return Former(last, own=own)
        content = content_of_brick(self.shop, last)
        if not isinstance(content, PackContent):
            raise SourceRefusedError(
                f"{last.ref} is no knowledge; the source needs another id.", reason="name-taken"
            )
        return Former(last, content.topics, content.retired, own)

    def _ids(self, ref: str) -> list[str]:
        """Ids of a version's topics; none where it was retired or is damaged."""
        try:
            content = content_of_brick(self.shop, self.shop.store.get(ref))
        except BrickError:
            return []
        return [t.head.id for t in content.topics] if isinstance(content, PackContent) else []

    def _facts(
        self,
        source: Listed,
        candidate: Candidate,
        former: Former,
        held: Sequence[Topic],
        kept: Sequence[str],
    ) -> Facts:
        """Measure, unless nothing is left to measure."""
        evaluations, lost = list[Evaluation](), list[str]()
        if candidate.topics:
            self.shop.say(f"{source.id}: measuring {len(candidate.topics)} topics")
            evaluations, lost = self._measure(source, candidate.topics, former.topics, held)
        passages = sum(len(topic.passages) for topic in former.topics)
        standing = former.manifest if former.topics else None
        return Facts(
            evaluations,
            lost,
            passages or None,
            len(set(kept) & {one.right.passage for one in candidate.contradictions}),
            standing.licence if standing else None,
        )

    def _measure(
        self, source: Listed, new: Sequence[Topic], old: Sequence[Topic], held: Sequence[Topic]
    ) -> tuple[list[Evaluation], list[str]]:
        """Figures with the new topics beside those with the old ones, and what is lost.

        All is asked of the search over everything: what nobody finds there is not found by anybody.
        """
        embedder, today = self.shop.embedder(), self.shop.now().date()
        before = Search([*held, *old], embedder, self.shop.cache)
        after = Search([*held, *new], embedder, self.shop.cache)
        own = _asked(new, source.language)
        was = _rate(before, _asked(old, source.language)) if old else None
        evaluations = [_evaluation(OWN, _rate(after, own), was, len(own), today)]
        for suite, asked in (
            (BESIDE, _asked(held, "en")),
            (PROTECTED, _answerable(self.protected, held)),
        ):
            if asked:
                rates = _rate(after, asked), _rate(before, asked)
                evaluations.append(_evaluation(suite, *rates, len(asked), today))
        lost = before.found(self.protected) - after.found(self.protected)
        return evaluations, sorted(one.question for one in lost)


def heading(source: Listed, snapshot: Snapshot) -> dict[str, Any]:
    """What the report says of the source and of what it gave."""
    return {
        "format": "caretier-knowledge-change/1",
        "source": source.id,
        "title": source.title,
        "publisher": source.publisher,
        "attribution": source.attribution,
        "becomes": source.becomes,
        "language": source.language,
        "licence": source.licence.model_dump(mode="json"),
        "snapshot": snapshot.digest,
        "taken": snapshot.taken.isoformat(timespec="seconds"),
        "dated": snapshot.dated.isoformat() if snapshot.dated else None,
        "parts": [
            {"name": p.name, "address": p.address, "digest": p.digest, "size": p.size}
            for p in snapshot.parts
        ],
    }


def findings(candidate: Candidate, former: Former) -> dict[str, Any]:
    """What the report says was found: differences, contradictions, what was set apart."""
    topics = difference(candidate.topics, former.topics)
    return {
        "former": former.manifest.ref if former.manifest else None,
        "retired": former.retired,
        "counts": totals(topics)
        | {
            "contradictions": len(candidate.contradictions),
            "within": len(candidate.within),
            "left_out": len(candidate.left_out),
            "quarantined": len({one.topic for one in candidate.quarantined}),
        },
        "contradictions": [_shown(one, candidate) for one in candidate.contradictions],
        "within": [_shown(one, candidate) for one in candidate.within],
        "quarantined": [one.as_json() for one in candidate.quarantined],
        "problems": [asdict(one) for one in candidate.report.problems[:MOST_PROBLEMS]],
        "uncompared": candidate.uncompared,
        "topics": topics,
    }


def _answerable(protected: Sequence[Protected], held: Sequence[Topic]) -> list[Protected]:
    """The protected questions whose topics are in use."""
    there = {passage.id for topic in held for passage in topic.passages}
    return [one for one in protected if there & set(one.passages)]


def _asked(topics: Sequence[Topic], language: str) -> list[Protected]:
    """The questions that topics answer themselves."""
    found = own_questions(topics, language)
    return [Protected(question=one.text, passages=(one.passage,)) for one in found]


def _rate(search: Search, asked: Sequence[Protected]) -> float:
    found = search.found(asked)
    return round(sum(one in found for one in asked) / max(1, len(asked)), 4)


def _evaluation(
    suite: str, value: float, before: float | None, n: int, today: dt.date
) -> Evaluation:
    return Evaluation(suite=suite, metric=RETRIEVAL, value=value, before=before, n=n, date=today)


def _shown(found: Finding, candidate: Candidate) -> dict[str, Any]:
    out = found.right.passage in set(candidate.left_out)
    return found.as_json() | {"left_out": out}
