"""A node: one tier of the hierarchy, running the consult path."""

from __future__ import annotations

import asyncio
import logging
import time
from asyncio import to_thread
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from importlib import import_module
from pathlib import Path
from threading import Lock

from services.bricks.knowledge import Knowledge
from services.bricks.manifest import BrickManifest
from services.bricks.retrieval import Embeds, KnowledgeIndex
from services.bricks.serving import ActiveKnowledge
from services.bricks.standing import Standing
from services.bricks.store import BrickStore
from services.bricks.updater.installed import Installed
from services.consult import wording
from services.consult.adapted import standing, told_of, who_wrote
from services.consult.draft import SYSTEM, Drafter, Said
from services.consult.ground import Grounder, Material, Quote
from services.consult.judge import Judge
from services.consult.messages import (
    Answer,
    Citation,
    Fact,
    Level,
    ModelCardRef,
    Question,
    Sentence,
    Status,
    Step,
    Triage,
    Urgency,
)
from services.consult.record import Record, RecordAnswer
from services.consult.route import route
from services.consult.spanish import speaking
from services.consult.triage import Triager
from services.engines.embed import Embedder
from services.engines.open import open_engine
from services.engines.protocol import Budget, Engine
from services.engines.settings import EngineSettings, models_folder
from services.experts.gate import Gate
from services.experts.in_use import AdaptersInUse

DRAFT_TOKENS = 220
REFRESH_SECONDS = 5.0
"""Between two looks at whether other bricks are in use; a look reads one small file."""
_LOG = logging.getLogger("caretier.knowledge")


@dataclass(frozen=True)
class Outcome:
    """What a node came to: an answer, and where to refer when it is none.

    ``reason`` is None when answered; see `services.consult.ground.Material` for the others.
    """

    answer: Answer
    refer_to: Level | None = None
    reason: str | None = None


Event = Triage | Step | Sentence | Outcome


@dataclass
class _Clock:
    """Times the steps of one consult."""

    steps: list[Step] = field(default_factory=list)
    _since: float = field(default_factory=time.perf_counter)

    def step(self, name: str, **detail: object) -> Step:
        """Close the step that ran since the last call."""
        now = time.perf_counter()
        step = Step(step=name, ms=round((now - self._since) * 1000, 2), detail=dict(detail))
        self._since = now
        self.steps.append(step)
        return step


@dataclass(frozen=True)
class _Known:
    """One state of the knowledge, and what works with it; a consult keeps to the one it began with.

    ``model`` is who chooses or writes the words.
    """

    index: KnowledgeIndex
    grounder: Grounder
    drafter: Drafter
    model: ModelCardRef


class Node:
    """One tier.

    Args:
        level: which tier this is.
        triage: the red-flag rules with their second pair of eyes.
        index: the knowledge that this tier may answer from.
        engine: writes drafts, or None; what its words may be used for stands on its card.
        seconds: time budget of a draft.
        grounder: chooses the material; one with the packaged models by default.
        active: where later states of the knowledge come from; it never changes when None.
        bricks: the store whose adapters the engine uses; none are used when None.
    """

    def __init__(
        self,
        level: Level,
        triage: Triager,
        index: KnowledgeIndex,
        engine: Engine | None = None,
        *,
        seconds: float = 30.0,
        grounder: Grounder | None = None,
        active: ActiveKnowledge | None = None,
        bricks: BrickStore | None = None,
    ) -> None:
        self.level, self.triage, self.engine = level, triage, engine
        self._budget, self._active = Budget(DRAFT_TOKENS, seconds), active
        self._known = self._learned(grounder or Grounder(index))
        self._refreshing = Lock()
        self.adapters = self._adapters_of(bricks) if bricks else None

    @classmethod
    def open(
        cls, level: str, settings: EngineSettings | None = None, bricks: Path | None = None
    ) -> Node:
        """Load rules, knowledge and the engine that the environment names.

        Args:
            level: which tier.
            settings: of the engine.
            bricks: folder of the node's brick store; its active knowledge bricks are used beside
                the built-in pack, which only is used when None; below the hospital, where nobody
                pushes experts, its active adapters are used too.
        """
        chosen = settings or EngineSettings()
        active = ActiveKnowledge.of_folder(level, bricks) if bricks else None
        knowledge = active.load() if active else Knowledge.load(level)
        index = _index(knowledge, Embedder.load())
        engine = open_engine(chosen, level, shared=[SYSTEM])
        return cls(
            Level(level),
            Triager.load(),
            index,
            engine,
            seconds=chosen.seconds,
            active=active,
            bricks=BrickStore(bricks) if bricks else None,
        )

    @property
    def index(self) -> KnowledgeIndex:
        """The knowledge that this tier answers from now."""
        return self._known.index

    @property
    def model(self) -> ModelCardRef:
        """Who chooses or writes the words here."""
        return self._known.model

    @property
    def known(self) -> tuple[Grounder, Drafter]:
        """What chooses the material of now, and what puts it into words."""
        return self._known.grounder, self._known.drafter

    @property
    def standing(self) -> Standing:
        """What this node uses of its bricks, and what it leaves out."""
        writes = self._known.drafter.writes
        return standing(self.engine, self._active, self.adapters, writes=writes)

    def _adapters_of(self, bricks: BrickStore) -> AdaptersInUse:
        @cache
        def gate() -> Gate:
            return Gate.load(self.index.embedder)

        installed, pushed = Installed(bricks.folder), self.level is Level.HOSPITAL
        return AdaptersInUse(bricks, installed, self.engine, gate, pushed=pushed)

    def _learned(self, grounder: Grounder) -> _Known:
        index = grounder.index
        drafter = Drafter(self.engine, Judge(index), self._budget)
        if self.engine is not None and drafter.writes:
            card = self.engine.card
            model = ModelCardRef(name=card.name, digest=card.digest)
        else:
            model = ModelCardRef(
                name="all-MiniLM-L6-v2 + BM25, the sources' own sentences",
                digest=index.knowledge.digest,
            )
        return _Known(index, grounder, drafter, model)

    def refresh(self) -> bool:
        """Take the knowledge that is in use now in the place of the old; whether it was another.

        Consults that run end with what they began with. Whatever goes wrong, the old stays. Who
        asks while another takes it waits until that is done.
        """
        with self._refreshing:
            return self._active is not None and self._taken(self._active)

    def _taken(self, active: ActiveKnowledge) -> bool:
        try:
            if not active.changed():
                return False
            index = _index(active.load(), self.index.embedder)
            self._known = self._learned(self._known.grounder.over(index))
        except Exception:  # noqa: BLE001 - a node that answers must go on
            _LOG.exception("the changed knowledge cannot be used; the node goes on with the old")
            return False
        _LOG.info("knowledge is now %s: %d topics", self.model.digest, len(index.knowledge.topics))
        return True

    async def follow(self, seconds: float = REFRESH_SECONDS) -> None:
        """Use what is in use now, at the start and every so many seconds, until cancelled."""
        said = False
        while True:
            changed = await to_thread(self.refresh)
            try:
                if self.adapters is not None:
                    changed = await self.adapters.refresh() or changed
                    if changed or not said:
                        await to_thread(self.standing.write, self.adapters.folder)
                        said = True
            except Exception:  # noqa: BLE001 - a node that answers must go on
                _LOG.exception("the adapters in use cannot be looked at; it is tried again")
            await asyncio.sleep(seconds)

    def ranking(self, question: Question) -> tuple[str, ...]:
        """Topics of this tier by how well they fit a question, best first."""
        return self._known.grounder.ranking(question)

    async def consult(self, question: Question) -> AsyncIterator[Event]:
        """Run the path; the last event is the Outcome, and it is always yielded.

        What takes the processor long runs in a thread, so that a server goes on serving.
        """
        clock, known = _Clock(), self._known
        person = speaking(question.person, question.text)
        question = question.model_copy(update={"person": person})
        triage = await to_thread(self.triage.assess, question.text, question.person)
        yield triage
        yield clock.step("triage", level=triage.level, rule=triage.rule)
        if triage.level is Urgency.EMERGENCY:
            yield Outcome(self._emergency(question, triage, clock))
            return
        record = await to_thread(self._record, question)
        direct = await to_thread(record.answer, question.text, question.person.language)
        if direct is not None:
            yield clock.step("ground", source="record", facts=len(direct.facts))
            answer = self._from_record(question, triage, direct, clock)
            for sentence in answer.sentences:
                yield sentence
            yield Outcome(answer)
            return
        chosen = route(question.text, known.index)
        yield clock.step("route", experts=chosen.experts, because=chosen.because)
        about = (question.text, question.person.language)
        facts = await to_thread(record.facts_for, *about) if question.record else ()
        material = await to_thread(known.grounder.ground, question, (*question.facts, *facts))
        yield clock.step(
            "ground", kind=material.kind, topics=material.topics, reason=material.reason
        )
        if material.reason:
            yield self._unanswered(question, triage, material, chosen.experts, clock, known.model)
            return
        adapter = await self._adapter_for(question, known)
        said: list[Said] = []
        for fact in material.facts:
            yield Sentence(text=fact.text, citations=(fact.id,))
        ref = adapter.ref if adapter else None
        async for one in known.drafter.draft(question.text, material.quotes, ref):
            said.append(one)
            yield Sentence(text=one.text, citations=(one.quote.passage.id,))
        model = who_wrote(self.engine, said, adapter, known.model)
        yield clock.step("draft", sentences=len(said), model=model.name, **told_of(said, adapter))
        answer = self._answer(question, triage, material, said, chosen.experts, clock, model)
        yield Outcome(answer)

    async def _adapter_for(self, question: Question, known: _Known) -> BrickManifest | None:
        """The adapter that the draft is to be written with; whatever goes wrong, the base model."""
        if self.adapters is None or not known.drafter.writes:
            return None
        try:
            return await self.adapters.choose(question.text, question.person.language)
        except Exception:  # noqa: BLE001 - a question must be answered
            _LOG.exception("no adapter could be chosen; the base model writes")
            return None

    def _record(self, question: Question) -> Record:
        today = question.asked or datetime.now(UTC).date()
        return Record(question.record, today=today, person=question.person)

    def _emergency(self, question: Question, triage: Triage, clock: _Clock) -> Answer:
        return Answer(
            id=question.id,
            status=Status.EMERGENCY,
            text=triage.advice or "",
            tier=self.level,
            model=ModelCardRef(name="triage-rules", digest=self.triage.version),
            triage=triage,
            confidence=1.0,
            trace=tuple(clock.steps),
        )

    def _from_record(
        self, question: Question, triage: Triage, direct: RecordAnswer, clock: _Clock
    ) -> Answer:
        sentences = tuple(Sentence(text=f.text, citations=(f.id,)) for f in direct.facts)
        clock.step("draft", sentences=len(sentences), model="record-rules")
        return Answer(
            id=question.id,
            status=Status.ANSWERED,
            text=_joined(triage, [s.text for s in sentences]),
            tier=self.level,
            model=ModelCardRef(name="record-rules", digest=_code_digest("services.consult.record")),
            experts=("own-record",),
            triage=triage,
            confidence=0.95,
            sentences=sentences,
            citations=tuple(
                {c.id: c for c in (*map(_fact_citation, direct.facts), *direct.citations)}.values()
            ),
            trace=tuple(clock.steps),
        )

    def _unanswered(  # noqa: PLR0917 - everything that the path has found
        self,
        question: Question,
        triage: Triage,
        material: Material,
        experts: tuple[str, ...],
        clock: _Clock,
        model: ModelCardRef,
    ) -> Outcome:
        reason = material.reason or "not-covered"
        found = {"reason": reason, "lacks": material.lacks, "confidence": material.confidence}
        clock.step("judge", outcome="abstained", **found)
        facts = tuple(f for f in material.facts if f.warning)
        own = [f.text for f in facts]
        told = wording.unanswered(reason, self.level, question.person.language, material.lacks)
        answer = Answer(
            id=question.id,
            status=Status.ABSTAINED,
            text=_joined(triage, [*own, told]),
            tier=self.level,
            model=model,
            experts=experts,
            triage=triage,
            confidence=material.confidence,
            sentences=tuple(Sentence(text=f.text, citations=(f.id,)) for f in facts),
            citations=tuple(_fact_citation(f) for f in facts),
            trace=tuple(clock.steps),
        )
        return Outcome(answer, material.destination or _above(self.level), reason)

    def _answer(  # noqa: PLR0917 - everything that the path has found
        self,
        question: Question,
        triage: Triage,
        material: Material,
        said: list[Said],
        experts: tuple[str, ...],
        clock: _Clock,
        model: ModelCardRef,
    ) -> Answer:
        own = [Sentence(text=f.text, citations=(f.id,)) for f in material.facts]
        sentences = [*own, *(Sentence(text=t, citations=(q.passage.id,)) for t, q, _ in said)]
        note = wording.sources_in_english(question.person.language)
        clock.step("judge", outcome="answered", confidence=material.confidence)
        return Answer(
            id=question.id,
            status=Status.ANSWERED,
            text=_joined(triage, [*([note] if note else []), *(s.text for s in sentences)]),
            tier=self.level,
            model=model,
            experts=experts,
            triage=triage,
            confidence=material.confidence,
            sentences=tuple(sentences),
            more=tuple(Sentence(text=q.text, citations=(q.passage.id,)) for q in material.more),
            citations=(
                *(_fact_citation(f) for f in material.facts),
                *_passage_citations([one.quote for one in said]),
            ),
            trace=tuple(clock.steps),
        )

    async def close(self) -> None:
        """Free the engine."""
        if self.engine is not None:
            await self.engine.close()


def _above(level: Level) -> Level | None:
    return {Level.DEVICE: Level.CLINIC, Level.CLINIC: Level.HOSPITAL}.get(level)


def _joined(triage: Triage, parts: list[str]) -> str:
    """The advice of an urgent triage stands before everything else."""
    first = [triage.advice] if triage.advice else []
    return " ".join([*first, *parts])


def _fact_citation(fact: Fact) -> Citation:
    return Citation(
        id=fact.id,
        title=fact.kind,
        source="Safety rules" if fact.id.startswith("rule:") else fact.source,
        date=fact.date,
        quote=fact.text,
    )


def _passage_citations(quotes: list[Quote]) -> tuple[Citation, ...]:
    """One citation a passage; its quote is the sentences used, in order."""
    grouped: dict[str, list[Quote]] = {}
    for quote in quotes:
        grouped.setdefault(quote.passage.id, []).append(quote)
    return tuple(
        Citation(
            id=id_,
            title=group[0].passage.topic.title,
            source=group[0].passage.source.name,
            url=group[0].passage.source.url,
            date=group[0].passage.date,
            quote=" ".join(q.text for q in group),
        )
        for id_, group in grouped.items()
    )


def _index(knowledge: Knowledge, embedder: Embeds) -> KnowledgeIndex:
    return KnowledgeIndex(knowledge, embedder, models_folder() / "knowledge")


def _code_digest(package: str) -> str:
    """Version of a rule package, as its ``VERSION``."""
    return str(getattr(import_module(package), "VERSION", "1"))
