"""The second pair of eyes: what it may raise, what it may not touch, and what it costs."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.consult.messages import Person, Urgency
from services.consult.reader import Reader, Reading
from services.consult.triage import Triager, TriageRules
from services.engines.errors import EngineUnavailableError

RULES = TriageRules.load()
ORDER = list(Urgency)


class Says:
    """A reader that gives every message the same probabilities."""

    version = "stub"

    def __init__(self, emergency: float, urgent: float = 0.0) -> None:
        levels = {"emergency": emergency, "urgent": urgent, "routine": 1 - emergency - urgent}
        self._reading = Reading(levels, {"overview": 1.0})

    def read(self, text: str) -> Reading:
        return self._reading


def level(reader: Says | None, text: str, **person: object) -> Urgency:
    return Triager(RULES, reader).assess(text, Person(**person)).level


def test_what_the_rules_miss_the_reader_raises() -> None:
    assert level(None, "coffee runs out of the side of his mouth since breakfast") is not None
    assert level(Says(0.9), "something is very odd") is Urgency.EMERGENCY
    assert level(Says(0.1, 0.8), "something is rather odd") is Urgency.URGENT
    assert level(Says(0.01), "something is odd") is Urgency.ROUTINE


def test_without_a_reader_every_rule_stands_alone() -> None:
    text = "crushing chest pain and my left arm is numb"
    assert level(None, text) is Urgency.EMERGENCY


def test_an_unsure_rule_stands_unless_an_emergency_is_all_but_ruled_out() -> None:
    text = "crushing chest pain and my left arm is numb"
    assert level(Says(0.06), text) is Urgency.EMERGENCY
    told = Triager(RULES, Says(0.0)).assess(text)
    assert told.level is Urgency.URGENT
    assert told.advice.startswith("If this is happening")
    assert "911" in told.advice


@pytest.mark.parametrize(
    "text", ["my oxygen is 84%", "spo2 85 resting", "azúcar en 35 y temblando"]
)
def test_a_measured_value_needs_no_second_look(text: str) -> None:
    assert level(Says(0.0), text) is Urgency.EMERGENCY


@given(st.floats(0, 1), st.floats(0, 1))
@settings(max_examples=60, deadline=None)
def test_the_reader_never_calls_urgent_routine(first: float, second: float) -> None:
    emergency = min(first, second)
    reader = Says(emergency, max(first, second) - emergency)
    for text in ("my chest hurts and I am sweating", "it burns when I pee and my back hurts"):
        given_level = level(reader, text)
        assert ORDER.index(given_level) <= ORDER.index(Urgency.URGENT)


def test_the_second_look_speaks_the_persons_language_and_number() -> None:
    told = Triager(RULES, Says(0.9)).assess("algo muy raro", Person(language="es", country="ES"))
    assert "112" in told.advice
    assert told.rule == "second-look-emergency"


def test_a_reader_that_is_not_there_leaves_the_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent() -> Reader:
        raise EngineUnavailableError("absent", remedy="none")

    monkeypatch.setattr(Reader, "load", absent)
    triager = Triager.load()
    assert triager.reader is None
    assert triager.version.endswith("+none")
    assert triager.assess("crushing chest pain and my left arm is numb").level is Urgency.EMERGENCY


def test_a_message_is_read_to_its_end() -> None:
    triager = Triager.load()
    calm = "I have a question about my refill and about the opening hours of the clinic. " * 40
    hidden = "Since this morning half of grandpa's face hangs and he talks gibberish. "
    for text in (hidden + calm, calm + hidden, calm[:1500] + hidden + calm[:1500]):
        assert triager.assess(text).level is Urgency.EMERGENCY


def test_a_usual_message_takes_under_50_ms_of_work() -> None:
    triager = Triager.load()
    text = "I have had a cough for three days and wonder whether I need to come in. " * 2
    triager.assess(text)
    begun = time.process_time()
    for _ in range(10):
        triager.assess(text)
    assert (time.process_time() - begun) / 10 < 0.05


@given(st.text(max_size=400))
@settings(max_examples=40, deadline=None)
def test_every_text_has_a_level(text: str) -> None:
    assert Triager.load().assess(text).level in ORDER
