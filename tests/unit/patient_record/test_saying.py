"""What left is said in the reader's language; its content stays word for word."""

from __future__ import annotations

from uuid import uuid4

import pytest

from patient_app.saying import as_said, entry_in_words, in_words, signal_in_words
from services.consult.messages import Fact, Person, Turn
from services.exchange.messages import ReferredQuestion
from services.learning.signals import SentSignal

QUESTION = ReferredQuestion(
    referral=str(uuid4()),
    text="May [NAME_1] take it?",
    person=Person(age_years=54, sex="female", pregnant=True, country="ES", language="es"),
    history=(Turn(role="patient", text="Before"), Turn(role="assistant", text="After")),
    facts=(Fact(id="X", kind="allergy", text="Penicillin", date="2020", warning=True),),
    urgency="urgent",
    reason="needs-clinician",
    reply_to="a-key",
    learning="consent-1",
)
SIGNAL = SentSignal(
    signal=str(uuid4()), verdict="wrong", question="A?", answer="B.", note="No.", consent="c"
)


def test_a_question_is_said_in_the_persons_language_unless_another_is_asked_for():
    assert "Sobre la persona: 54 años, mujer, embarazada" in in_words(QUESTION)
    assert "About the person: age 54, female, pregnant" in in_words(QUESTION, "en")


@pytest.mark.parametrize("language", ["en", "es"])
def test_every_word_that_left_is_in_it(language):
    text = in_words(QUESTION, language)
    for said in ("May [NAME_1] take it?", "Before", "After", "Penicillin", "2020", "54", "ES"):
        assert said in text
    text = signal_in_words(SIGNAL, language)
    assert all(said in text for said in ("A?", "B.", "No."))


@pytest.mark.parametrize("message", [QUESTION, SIGNAL], ids=["question", "signal"])
def test_the_ledger_says_the_same_in_either_language_and_keeps_no_key(message):
    entry = {"text": "as written", "said": as_said(message)}
    assert "a-key" not in str(entry)
    said = {entry_in_words(entry, language) for language in ("en", "es")}
    assert len(said) == 2
    assert "as written" not in said


def test_an_older_entry_is_shown_as_it_was_written():
    assert entry_in_words({"text": "as written"}, "es") == "as written"
