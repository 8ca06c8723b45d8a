"""Attacks on the second look: calm words around a red flag, tricks with letters, a broken model."""

from __future__ import annotations

import shutil

import pytest

from services.bricks.retrieval import CACHE_FILE
from services.consult.messages import Person, Urgency
from services.consult.reader import Reader
from services.consult.triage import Triager, TriageRules
from services.engines.settings import models_folder

CALM = (
    "When is the clinic open on Monday? How should I store my ointment?",
    "I would like to book a visit for next month. Thank you for your help.",
)
FLAGS = (
    "I want to kill myself tonight.",
    "My wife took a whole bottle of pills and won't wake up.",
    "Dad has sudden crushing chest pain and is sweating.",
)


@pytest.fixture(scope="module")
def triager() -> Triager:
    return Triager.load()


@pytest.mark.parametrize("flag", FLAGS)
@pytest.mark.parametrize("place", ["before", "between", "after"])
def test_calm_sentences_around_a_red_flag_do_not_hide_it(
    triager: Triager, flag: str, place: str
) -> None:
    text = {
        "before": f"{flag} {CALM[0]} {CALM[1]}",
        "between": f"{CALM[0]} {flag} {CALM[1]}",
        "after": f"{CALM[0]} {CALM[1]} {flag}",
    }[place]
    assert triager.assess(text).level is Urgency.EMERGENCY


@pytest.mark.parametrize("flag", FLAGS)
def test_a_red_flag_deep_in_a_very_long_message_is_found(triager: Triager, flag: str) -> None:
    calm = f"{CALM[0]} {CALM[1]} " * 28
    text = f"{calm[: len(calm) // 2]}. {flag} {calm[len(calm) // 2 :]}"[:8000]
    assert triager.assess(text).level is Urgency.EMERGENCY


@pytest.mark.parametrize("flag", FLAGS)
def test_invisible_and_wide_characters_do_not_hide_a_red_flag(triager: Triager, flag: str) -> None:
    hidden = "\u200b".join(flag)
    wide = "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in flag)
    assert triager.assess(hidden).level is Urgency.EMERGENCY
    assert triager.assess(wide).level is Urgency.EMERGENCY


def test_a_model_that_fails_leaves_the_rules_and_tells_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Broken(Reader):
        version = "broken"

        def __init__(self) -> None:
            pass

        def read(self, text: str) -> None:  # type: ignore[override]
            raise RuntimeError(text)

    told = Triager(TriageRules.load(), Broken()).assess("crushing chest pain, left arm numb")
    assert told.level is Urgency.EMERGENCY
    assert "crushing" not in caplog.text


@pytest.mark.parametrize("text", ["son choking", "mama unconscious", "papa not breathing"])
def test_english_words_that_are_also_spanish_keep_the_advice_english(
    triager: Triager, text: str
) -> None:
    assert " call " in f" {triager.assess(text, Person()).advice} ".lower()


def test_nothing_of_a_question_is_kept_in_the_vectors_cache(tmp_path, node_of) -> None:
    from services.bricks.retrieval import KnowledgeIndex
    from services.consult.ground import Grounder
    from services.consult.messages import Question

    given = node_of("device").index
    shutil.copy(models_folder() / "knowledge" / CACHE_FILE, tmp_path)
    index = KnowledgeIndex(given.knowledge, given.embedder, tmp_path)
    before = (tmp_path / CACHE_FILE).read_bytes()
    strange = " ".join(f"zq{i}x{i}wv" for i in range(60))
    Grounder(index).ground(Question(text=f"what is asthma {strange}"))
    assert (tmp_path / CACHE_FILE).read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == [CACHE_FILE]
