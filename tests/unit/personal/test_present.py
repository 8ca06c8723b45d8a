"""An answer is dressed for the person: notes beside it, nothing rewritten, no warning hidden."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patient_app.personal.plain import plain_words
from patient_app.personal.policy import PersonalPolicy
from patient_app.personal.present import present
from services.consult.messages import Answer, Level, ModelCardRef, Sentence, Status

WORDS = (
    "Rest and drink water.",
    "Hypertension is common.",
    "It lasts a week.",
    "Most people get well.",
    "Call a doctor if the fever is over 39 °C.",
    "Sleep helps.",
)


def answer(*texts, status=Status.ANSWERED, more=()):
    return Answer(
        id="a",
        status=status,
        text=" ".join(texts),
        tier=Level.DEVICE,
        model=ModelCardRef(name="m", digest="d"),
        sentences=tuple(Sentence(text=t, citations=("flu#what",)) for t in texts),
        more=tuple(Sentence(text=t, citations=("flu#what",)) for t in more),
    )


def test_by_default_an_answer_is_shown_as_it_is():
    given_ = answer(*WORDS, more=("And this.",))
    assert present(given_, PersonalPolicy()) == given_


def test_a_simple_answer_is_short_and_keeps_what_warns():
    shown = present(answer(*WORDS), PersonalPolicy(reading_level="simple"))
    assert [s.text for s in shown.sentences] == [*WORDS[:3], WORDS[4]]
    assert [s.text for s in shown.more] == [WORDS[3], WORDS[5]]
    assert shown.text == " ".join([*WORDS[:3], WORDS[4]])


@pytest.mark.parametrize(
    "warning",
    [
        "Get medical help immediately if it hurts to breathe.",
        "Seek care the same day.",
        "Go to the nearest hospital if you faint.",
        "Avoid grapefruit with this medicine.",
        "You should not drive after taking it.",
        "It can be life-threatening.",
        "Acuda a urgencias si le falta el aire.",
        "Busque atención médica hoy.",
        "Evite el alcohol.",
        "No use este medicamento con otros.",
        "Puede causar la muerte.",
    ],
)
def test_a_simple_answer_shows_a_warning_however_it_is_worded(warning):
    shown = present(answer(*WORDS[:4], warning), PersonalPolicy(reading_level="simple"))
    assert shown.sentences[-1].text == warning


def test_a_simple_answer_explains_words():
    shown = present(answer(*WORDS[:2]), PersonalPolicy(reading_level="simple"))
    assert [n.text for n in shown.notes] == ["Hypertension: high blood pressure."]


def test_a_detailed_answer_shows_everything_at_once():
    shown = present(answer("One.", more=("Two.",)), PersonalPolicy(reading_level="detailed"))
    assert [s.text for s in shown.sentences] == ["One.", "Two."]
    assert shown.more == ()


def test_units_are_noted_and_the_sentence_stays():
    shown = present(answer(WORDS[4]), PersonalPolicy(units="us"))
    assert shown.sentences[0].text == WORDS[4]
    assert [n.text for n in shown.notes] == ["39 °C is 102.2 °F."]


def test_an_emergency_is_never_dressed():
    given_ = answer(*WORDS, status=Status.EMERGENCY)
    assert present(given_, PersonalPolicy(reading_level="simple", units="us")) is given_


@given(st.lists(st.sampled_from(WORDS), max_size=9), st.sampled_from(["simple", "detailed"]))
def test_no_sentence_is_lost_or_made_up(texts, level):
    shown = present(answer(*texts), PersonalPolicy(reading_level=level))
    assert sorted(s.text for s in (*shown.sentences, *shown.more)) == sorted(texts)


@pytest.mark.parametrize("language", ["en", "es"])
def test_a_word_is_not_explained_by_itself(language):
    words = plain_words(language)
    for word, plain in words._plain.items():
        assert plain
        assert word not in plain.lower().split(), word


def test_a_word_is_explained_once_and_not_where_the_text_does():
    found = plain_words("en").explain("Influenza, or flu, and edema. Edema again.")
    assert [one.word for one in found] == ["edema"]


def test_the_longer_word_is_taken_whole():
    found = plain_words("en").explain("It can cause atrial fibrillation.")
    assert [one.word for one in found] == ["atrial fibrillation"]
