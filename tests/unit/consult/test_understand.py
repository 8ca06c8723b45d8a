"""Which kind of question it is, hence which sections may answer it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.bricks.knowledge import Knowledge
from services.consult.understand import ASKS, GENERAL, asks_of


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Should I stop my metformin?", "own-treatment"),
        ("Can I double my insulin dose?", "own-treatment"),
        ("Is it ok to skip my pills?", "own-treatment"),
        ("Is it safe for me to come off the tablets?", "own-treatment"),
        ("Could I cut back my medication", "own-treatment"),
        ("¿Puedo dejar mi medicina?", "own-treatment"),
        ("¿Debo aumentar la dosis?", "own-treatment"),
        ("Do I have cancer?", "own-diagnosis"),
        ("Could this be a stroke?", "own-diagnosis"),
        ("What's wrong with me?", "own-diagnosis"),
        ("I missed a dose of lisinopril", "missed-dose"),
        ("I forgot to take my pill", "missed-dose"),
        ("Olvidé una dosis", "missed-dose"),
        ("What happens if you take too much acetaminophen?", "overdose"),
        ("sobredosis de ibuprofeno", "overdose"),
        ("Does warfarin interact with aspirin?", "interactions"),
        ("Can I take ibuprofen with warfarin?", "interactions"),
        ("Can you drink alcohol on metronidazole", "alcohol"),
        ("side effects of statins", "side-effects"),
        ("efectos secundarios de la metformina", "side-effects"),
        ("How much ibuprofen is safe?", "dose"),
        ("maximum dose of acetaminophen", "dose"),
        ("¿Cuánto puedo tomar?", "dose"),
        ("How should I take levothyroxine?", "how-to-take"),
        ("with food or on an empty stomach", "how-to-take"),
        ("Is metformin safe in pregnancy?", "pregnancy"),
        ("¿Puedo tomarlo en el embarazo?", "pregnancy"),
        ("Is the flu contagious?", "contagious"),
        ("How does measles spread?", "contagious"),
        ("¿Es contagioso el sarampión?", "contagious"),
        ("When should I see a doctor for a cough?", "when-to-seek-care"),
        ("¿Cuándo debo ir al hospital?", "when-to-seek-care"),
        ("How can I prevent diabetes?", "prevention"),
        ("cómo prevenir la gripe", "prevention"),
        ("What are the symptoms of asthma?", "symptoms"),
        ("síntomas del asma", "symptoms"),
        ("What causes gout?", "causes"),
        ("¿Por qué tengo gota?", "causes"),
        ("How is asthma diagnosed?", "tests"),
        ("What should I eat with gout?", "diet"),
        ("How is migraine treated?", "treatment"),
        ("tratamiento de la migraña", "treatment"),
        ("prepare for a colonoscopy", "preparation"),
        ("What does high potassium mean?", "high"),
        ("low sodium", "low"),
        ("normal blood pressure", "normal"),
        ("What do my results mean?", "results"),
        ("How long does a cold last?", "outlook"),
        ("What is metformin used for?", "uses"),
        ("How often is a mammogram done?", "when"),
        ("What is asthma?", "overview"),
        ("¿Qué es el asma?", "overview"),
        ("asthma", "overview"),
        ("", "overview"),
    ],
)
def test_the_wording_decides_the_kind(text, kind):
    assert asks_of(text, medicine="metformin" in text).kind == kind


@pytest.mark.parametrize(
    "text",
    [
        "Should I stop my metformin?",
        "May I go off metformin?",
        "Do I have diabetes?",
        "can I quit taking my antidepressant",
        "should I lower my insulin",
    ],
)
def test_a_decision_about_ones_own_care_is_personal(text):
    ask = asks_of(text, medicine="metformin" in text)
    assert ask.personal
    assert ask.sections == ()


@pytest.mark.parametrize(
    "text", ["What happens when people stop smoking?", "What is asthma?", "Is it contagious?"]
)
def test_a_question_of_knowledge_is_not_personal(text):
    assert not asks_of(text).personal


def test_accents_case_and_curly_quotes_make_no_difference():
    assert asks_of("SÍNTOMAS DEL ASMA").kind == asks_of("sintomas del asma").kind
    assert asks_of("What\u2019s wrong with me").kind == "own-diagnosis"


def test_every_kind_is_there_once_and_has_sections_or_is_personal():
    kinds = [ask.kind for ask in ASKS]
    assert len(set(kinds)) == len(kinds)
    assert all(bool(ask.sections) != ask.personal for ask in ASKS)


def test_the_first_section_of_each_kind_is_one_that_topics_have():
    held = {p.section for p in Knowledge.load("hospital").passages}
    lacking = [ask.kind for ask in (*ASKS, GENERAL) if not held & set(ask.sections)]
    assert [k for k in lacking if not k.startswith("own-")] == []


@given(st.text(max_size=300))
def test_every_text_has_a_kind(text):
    assert asks_of(text).kind


def test_a_long_text_is_read_in_no_time():
    import time

    began = time.process_time()
    asks_of("should i stop " * 600)
    asks_of("take " * 1600)
    assert time.process_time() - began < 1
