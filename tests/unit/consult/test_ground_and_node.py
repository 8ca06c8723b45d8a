"""The path from question to answer, with the real knowledge of each tier."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from services.bricks.knowledge import Knowledge
from services.bricks.retrieval import KnowledgeIndex
from services.consult.ground import Grounder
from services.consult.messages import (
    Answer,
    Fact,
    Level,
    Person,
    Question,
    Sentence,
    Status,
    Step,
    Triage,
    Turn,
    Urgency,
)
from services.consult.node import Node, Outcome
from services.consult.route import MATRIX, route
from services.engines.errors import EngineUnavailableError
from services.engines.protocol import Authoring, EngineCard

TOPIC = """---
id: {id}
title: {title}
kind: {kind}
aliases: [{aliases}]
level: {level}
written: 2026-11-21
sources:
  - name: MedlinePlus
    url: https://medlineplus.gov/x.html
---
"""
ASTHMA = """## what
Asthma is a long-term condition of the airways of the lungs.
## symptoms
Symptoms of asthma are wheezing and a cough at night.
## treatment
Asthma is treated with an inhaler.
## when-to-seek-care
Call 911 if a person with asthma cannot speak in full sentences.
"""
COPD = """## what
COPD is a disease of the lungs of people who smoked for years.
"""
WARFARIN = """## uses
Warfarin is used to prevent blood clots.
## interactions
Ibuprofen taken with warfarin raises the risk of bleeding.
Warfarin works less well with a lot of vitamin K.
"""
IBUPROFEN = """## uses
Ibuprofen is used for pain and fever.
"""
LUPUS = """## what
Lupus is a disease of the immune system.
"""


@pytest.fixture(scope="module")
def packs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("packs")
    for id_, kind, aliases, level, text in (
        ("asthma", "disease", "asma", "device", ASTHMA),
        ("copd", "disease", "", "clinic", COPD),
        ("warfarin", "medicine", "coumadin", "device", WARFARIN),
        ("ibuprofen", "medicine", "advil", "device", IBUPROFEN),
        ("lupus", "disease", "", "hospital", LUPUS),
    ):
        head = TOPIC.format(id=id_, title=id_.title(), kind=kind, aliases=aliases, level=level)
        (folder / f"{id_}.md").write_text(head + text)
    return folder


@pytest.fixture(scope="module")
def small(packs, embedder):
    return KnowledgeIndex(Knowledge.load("device", packs), embedder)


@pytest.fixture(scope="module")
def grounder(small):
    return Grounder(small)


def ask(text: str, **more: Any) -> Question:
    return Question(text=text, **more)


async def run(node: Node, question: Question) -> tuple[list[Any], Outcome]:
    events = [event async for event in node.consult(question)]
    assert isinstance(events[-1], Outcome)
    assert sum(isinstance(e, Outcome) for e in events) == 1
    return events, events[-1]


async def outcome(node: Node, text: str, **more: Any) -> Outcome:
    return (await run(node, ask(text, **more)))[1]


class TestGround:
    """What an answer may be made of."""

    @pytest.mark.parametrize(
        ("text", "topics", "section"),
        [
            ("What is asthma?", ("asthma",), "what"),
            ("What are the symptoms of asma?", ("asthma",), "symptoms"),
            ("How is asthma treated?", ("asthma",), "treatment"),
            ("When should I see a doctor about asthma?", ("asthma",), "when-to-seek-care"),
            ("What is coumadin used for?", ("warfarin",), "uses"),
        ],
    )
    def test_the_section_that_is_asked_for_answers(self, grounder, text, topics, section):
        material = grounder.ground(ask(text))
        assert material.reason is None
        assert material.topics == topics
        assert material.quotes[0].passage.section == section
        assert material.confidence >= 0.6

    def test_the_right_disease_with_the_wrong_matter_is_no_answer(self, grounder):
        material = grounder.ground(ask("What should I eat with asthma?"))
        assert material.reason in {"wrong-matter", "low-confidence"}
        assert material.quotes == ()

    def test_words_that_the_topic_does_not_hold_are_the_wrong_matter(self, grounder):
        material = grounder.ground(ask("What is asthma in zebras on Mars?"))
        assert material.reason in {"wrong-matter", "low-confidence"}

    def test_a_similar_disease_is_no_answer_and_the_tier_above_is_named(self, grounder):
        material = grounder.ground(ask("What is COPD?"))
        assert (material.reason, material.destination) == ("held-above", Level.CLINIC)
        material = grounder.ground(ask("What is lupus?"))
        assert (material.reason, material.destination) == ("held-above", Level.HOSPITAL)

    @pytest.mark.parametrize(
        "text",
        ["What is the capital of France?", "What is fibromyalgia?", "flurbomia", "?", "1234", "🫀"],
    )
    def test_what_no_source_covers_is_not_answered(self, grounder, text):
        material = grounder.ground(ask(text))
        assert material.reason in {"not-covered", "low-confidence"}
        assert material.quotes == ()

    @pytest.mark.parametrize("text", ["Should I stop my warfarin?", "Do I have asthma?"])
    def test_a_decision_about_ones_own_care_goes_to_a_clinician(self, grounder, text):
        material = grounder.ground(ask(text))
        assert (material.reason, material.destination) == ("needs-clinician", Level.HOSPITAL)
        assert material.quotes == ()

    def test_a_follow_up_continues_what_was_asked_before(self, grounder):
        before = (
            Turn(role="patient", text="What is asthma?"),
            Turn(role="assistant", text="Warfarin is used to prevent blood clots."),
        )
        material = grounder.ground(ask("How is it treated?", history=before))
        assert material.topics == ("asthma",)
        assert grounder.ground(ask("How is it treated?")).quotes == ()

    def test_a_question_with_a_topic_of_its_own_starts_anew(self, grounder):
        before = (Turn(role="patient", text="What is asthma?"),)
        material = grounder.ground(ask("What is warfarin used for?", history=before))
        assert material.topics == ("warfarin",)
        above = grounder.ground(ask("And lupus?", history=before))
        assert above.reason == "held-above"

    def test_an_interaction_is_told_first_by_the_sentence_that_names_both(self, grounder):
        material = grounder.ground(ask("Can I take ibuprofen with warfarin?"))
        assert material.quotes[0].text == WARFARIN.splitlines()[3]

    def test_two_that_no_sentence_joins_are_not_answered(self, grounder):
        material = grounder.ground(ask("Can I take ibuprofen with asthma?"))
        assert material.quotes == ()
        assert material.reason in {"wrong-matter", "low-confidence"}

    def test_care_that_cannot_wait_is_said_with_a_plain_answer(self, grounder):
        material = grounder.ground(ask("What is asthma?"))
        assert material.quotes[-1].passage.section == "when-to-seek-care"


def test_rules_choose_experts_by_what_is_named(small):
    chosen = route("Can I take warfarin with asthma?", small)
    assert chosen.experts == ("pharmacy", "primary-care")
    assert chosen.because == ("rule:warfarin", "rule:asthma")


def test_meaning_chooses_where_nothing_is_named(small, tmp_path, embedder):
    chosen = route("my chest whistles at night", small)
    assert chosen.experts[0] in MATRIX.values()
    assert chosen.because[0].startswith("meaning:")
    nothing = KnowledgeIndex(Knowledge.load("device", tmp_path), embedder)
    assert route("asthma", nothing).experts == ()


class Broken:
    """Fails at every touch."""

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError("the index is broken")


class BrokenEngine:
    """An engine whose server is away."""

    card = EngineCard("fake", "sha256:0", 2048, Authoring.AUTHOR)

    async def generate(self, prompt, budget):
        raise EngineUnavailableError("away")
        yield ""

    async def close(self) -> None:
        return None


EMERGENCY = "I have crushing chest pain and sweating"
URGENT = "I have a cough and blood in my urine for two days"


class TestNode:
    """The whole path."""

    @pytest.fixture(params=["device", "clinic", "hospital"])
    def node(self, request, node_of):
        return node_of(request.param)

    async def test_triage_is_the_first_event_always(self, node):
        for text in (EMERGENCY, URGENT, "What is asthma?", "?"):
            events, _ = await run(node, ask(text))
            assert isinstance(events[0], Triage)
            assert isinstance(events[1], Step)
            assert events[1].step == "triage"

    async def test_an_emergency_is_the_whole_answer(self, node):
        events, end = await run(node, ask(EMERGENCY))
        assert end.answer.status is Status.EMERGENCY
        assert end.answer.text == events[0].advice
        assert "911" in end.answer.text
        assert end.refer_to is None
        assert [s.step for s in end.answer.trace] == ["triage"]

    async def test_an_emergency_needs_no_index_and_no_engine(self, triage_rules, monkeypatch):
        node = Node.__new__(Node)
        node.level, node.triage, node._known, node.engine = (
            Level.DEVICE,
            triage_rules,
            Broken(),
            Broken(),
        )
        _, end = await run(node, ask(EMERGENCY))
        assert end.answer.status is Status.EMERGENCY

    async def test_urgent_advice_is_out_before_a_broken_index_is_touched(
        self, small, triage_rules, monkeypatch
    ):
        node = Node(Level.DEVICE, triage_rules, small)
        monkeypatch.setattr("services.consult.node.route", Broken())
        stream = node.consult(ask(URGENT))
        first = await anext(stream)
        assert first.level is Urgency.URGENT
        assert first.advice
        await anext(stream)
        with pytest.raises(TypeError):
            await anext(stream)

    async def test_an_engine_that_is_away_costs_nothing(self, small, triage_rules):
        node = Node(Level.DEVICE, triage_rules, small, BrokenEngine())
        end = await outcome(node, "What is asthma?")
        assert end.answer.status is Status.ANSWERED
        assert ASTHMA.splitlines()[1] in end.answer.text

    async def test_urgent_advice_stands_before_everything(self, node):
        end = await outcome(node, URGENT)
        assert end.answer.triage.level is Urgency.URGENT
        assert end.answer.text.startswith(end.answer.triage.advice)

    @pytest.mark.parametrize(
        "text",
        [
            "What is asthma?",
            "What are the signs of a migraine?",
            "How is high blood pressure treated?",
            "What is metformin used for?",
            "Can I take ibuprofen with warfarin?",
            "¿Qué es el asma?",
        ],
    )
    async def test_every_sentence_is_a_sources_own_and_cited(self, node, text):
        events, end = await run(node, ask(text))
        answer = end.answer
        assert answer.status is Status.ANSWERED
        assert [e for e in events if isinstance(e, Sentence)] == list(answer.sentences)
        known = {c.id: c for c in answer.citations}
        passages = {p.id: p for p in node.index.knowledge.passages}
        for sentence in answer.sentences:
            assert sentence.citations
            for id_ in sentence.citations:
                assert sentence.text in known[id_].quote
                assert sentence.text in passages[id_].sentences
                assert known[id_].url.startswith("https://")
                assert known[id_].date
        used = {c for s in answer.sentences for c in s.citations}
        assert used == set(known)

    async def test_the_trace_has_every_step_with_its_time(self, node):
        _, end = await run(node, ask("What is asthma?"))
        steps = [s.step for s in end.answer.trace]
        assert steps == ["triage", "route", "ground", "draft", "judge"]
        assert all(s.ms >= 0 for s in end.answer.trace)

    async def test_without_an_answer_it_says_so_and_whom_to_ask(self, node_of):
        for level, above in (("device", "clinic"), ("clinic", "hospital"), ("hospital", None)):
            end = await outcome(node_of(level), "What is the capital of France?")
            assert end.answer.status is Status.ABSTAINED
            assert end.refer_to == above
            assert end.reason == "not-covered"
            assert end.answer.sentences == ()
            assert [s.step for s in end.answer.trace][-1] == "judge"

    async def test_a_decision_about_ones_own_care_is_for_the_hospital(self, node):
        end = await outcome(node, "Should I stop my metformin?")
        assert (end.answer.status, end.refer_to) == (Status.ABSTAINED, Level.HOSPITAL)
        assert "Do not change a treatment" in end.answer.text

    async def test_in_spanish_the_sources_are_announced_as_english(self, node):
        end = await outcome(node, "¿Qué es el asma?", person=Person(language="es"))
        assert end.answer.text.startswith("Mis fuentes están en inglés")
        lost = await outcome(node, "¿Cuál es la capital?", person=Person(language="es"))
        assert "No lo sé" in lost.answer.text

    async def test_facts_that_came_along_are_said_first(self, small, triage_rules):
        node = Node(Level.HOSPITAL, triage_rules, small)
        fact = Fact(id="AllergyIntolerance", kind="allergy", text="You are allergic to aspirin.")
        end = await outcome(node, "What is ibuprofen used for?", facts=(fact,))
        assert end.answer.sentences[0].text == fact.text
        assert end.answer.citations[0].source == "Your own record"

    async def test_a_warning_is_said_even_without_an_answer(self, small, triage_rules):
        node = Node(Level.DEVICE, triage_rules, small)
        warning = Fact(id="A/1", kind="allergy", text="You are allergic to it.", warning=True)
        plain = Fact(id="C/1", kind="condition", text="You have gout.")
        end = await outcome(node, "What is fibromyalgia?", facts=(warning, plain))
        assert end.answer.status is Status.ABSTAINED
        assert end.answer.text.startswith("You are allergic to it.")
        assert "gout" not in end.answer.text

    async def test_a_question_about_the_record_is_answered_from_it(self, small, triage_rules):
        patient = {"resourceType": "Patient", "id": "p", "birthDate": "1970-03-12"}
        allergy = {
            "resourceType": "AllergyIntolerance",
            "id": "a1",
            "code": {"text": "Penicillin"},
            "clinicalStatus": {"coding": [{"code": "active"}]},
            "patient": {"reference": "Patient/p"},
        }
        node = Node(Level.DEVICE, triage_rules, small)
        end = await outcome(
            node,
            "What allergies do I have?",
            record=(patient, allergy),
            asked=date(2026, 11, 21),
        )
        answer: Answer = end.answer
        assert answer.status is Status.ANSWERED
        assert answer.experts == ("own-record",)
        assert "penicillin" in answer.text.lower()
        assert answer.sentences[0].citations == ("AllergyIntolerance/a1",)
        assert {c for s in answer.sentences for c in s.citations} <= {
            c.id for c in answer.citations
        }

    async def test_the_record_never_goes_over_a_wire(self):
        question = ask("x", record=({"resourceType": "Patient", "id": "p"},))
        assert "Patient" not in question.model_dump_json()

    @pytest.mark.parametrize("text", ["\x00", "a" * 8000, "🫀" * 500, "\u202eevil", "' OR 1=1 --"])
    async def test_any_text_comes_to_an_end(self, small, triage_rules, text):
        node = Node(Level.DEVICE, triage_rules, small)
        assert (await outcome(node, text)).answer.status in set(Status)
