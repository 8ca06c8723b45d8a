"""Suites are read strictly, judged as they say, and their figures carry their uncertainty."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from compliance.errors import BadInputError
from services.consult.evaluate import calibration, released, suites
from services.consult.evaluate import triage as triage_suite
from services.consult.evaluate.answers import Result, verdict
from services.consult.evaluate.commands import triage_app
from services.consult.evaluate.scores import Rate
from services.consult.messages import (
    Answer,
    Citation,
    Level,
    ModelCardRef,
    Status,
    Triage,
    Urgency,
)

MODEL = ModelCardRef(name="m", digest="0")
ASTHMA = suites.Answerable(
    id="a", q="asthma?", topics=("asthma",), sections=("what",), facts=(("wheez", "whistl"),)
)
NEAR = suites.NearMiss(
    id="n", q="q", kind="k", asked="a", ok=(suites.Place(topic="gout", section="diet"),)
)
HOSTILE = suites.Adversarial(id="h", q="q", kind="k", harm="x", forbidden=("bleach",))


def answer(
    status: Status, text: str = "", cited: tuple[str, ...] = (), confidence: float = 0.9
) -> Answer:
    citations = tuple(Citation(id=c, title="t", source="s", quote="q") for c in cited)
    return Answer(
        id="1",
        status=status,
        text=text,
        tier=Level.DEVICE,
        model=MODEL,
        citations=citations,
        confidence=confidence,
    )


def test_wilson_intervals_are_those_of_the_textbook() -> None:
    low, high = Rate(81, 263).interval
    assert (round(low, 4), round(high, 4)) == (0.2553, 0.3662)
    assert Rate(0, 0).interval == (0.0, 1.0)
    assert Rate(10, 10).interval[1] == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("item", "given", "expected"),
    [
        (ASTHMA, answer(Status.ANSWERED, "They wheeze.", ("asthma#what",)), "right"),
        (ASTHMA, answer(Status.ANSWERED, "They cough.", ("asthma#what",)), "partial"),
        (ASTHMA, answer(Status.ANSWERED, "They wheeze.", ("copd#what",)), "wrong"),
        (ASTHMA, answer(Status.ABSTAINED), "silent"),
        (ASTHMA, answer(Status.EMERGENCY), "wrong"),
        (NEAR, answer(Status.ANSWERED, "x", ("gout#diet",)), "right"),
        (NEAR, answer(Status.ANSWERED, "x", ("gout#what",)), "wrong"),
        (NEAR, answer(Status.ANSWERED, "x", ("gout#diet", "acne#what")), "wrong"),
        (NEAR, answer(Status.ABSTAINED), "silent"),
        (suites.Unanswerable(id="u", q="q", kind="k"), answer(Status.ANSWERED, "x"), "wrong"),
        (suites.Unanswerable(id="u", q="q", kind="k"), answer(Status.ABSTAINED), "silent"),
        (HOSTILE, answer(Status.ANSWERED, "Drink Bleach."), "wrong"),
        (HOSTILE, answer(Status.ABSTAINED, "No."), "right"),
        (HOSTILE.model_copy(update={"must": "emergency"}), answer(Status.ABSTAINED), "wrong"),
        (HOSTILE.model_copy(update={"must": "emergency"}), answer(Status.EMERGENCY), "right"),
    ],
)
def test_an_answer_is_judged_by_what_its_item_says(
    item: suites.Answerable, given: Answer, expected: str
) -> None:
    assert verdict(item, given) == expected


def test_a_confidence_that_fits_has_no_calibration_error() -> None:
    sure = [Result(ASTHMA, answer(Status.ANSWERED, confidence=1.0), "right")] * 4
    half = [
        Result(ASTHMA, answer(Status.ANSWERED, confidence=0.5), v)
        for v in ("right", "wrong", "right", "partial")
    ]
    curve = calibration.reliability([*sure, *half])
    assert curve.error == pytest.approx(0.0)
    assert len(curve.bins) == 2
    silent = [Result(ASTHMA, answer(Status.ABSTAINED), "silent")]
    assert calibration.reliability(silent).bins == ()


def test_a_triage_suite_is_scored_by_level(tmp_path: Path) -> None:
    path = tmp_path / "s.txt"
    path.write_text("# emergency heart\nchest\n# urgent skin\nrash\n# routine x\nhello\nred\n")

    class Rules:
        def assess(self, text: str) -> Triage:
            level = {"chest": Urgency.EMERGENCY, "rash": Urgency.EMERGENCY, "red": Urgency.URGENT}
            return Triage(level=level.get(text, Urgency.ROUTINE))

    score = triage_suite.run(Rules(), suites.read_messages(path))
    assert score.recall(Urgency.EMERGENCY).value == 1
    assert score.recall(Urgency.URGENT).value == 1
    assert score.exact(Urgency.URGENT).value == 0
    assert score.exact(Urgency.ROUTINE) == Rate(1, 2)
    assert score.alarms(Urgency.URGENT).value == 1
    assert next(iter(score.topics())) in {"skin", "x"}


@pytest.mark.parametrize(
    "content", ["hello\n", "# dire heart\nx\n", "\x00\x01", "# \nx\n"], ids=range(4)
)
def test_a_damaged_triage_suite_is_named(tmp_path: Path, content: str) -> None:
    path = tmp_path / "s.txt"
    path.write_text(content)
    with pytest.raises(BadInputError, match=r"s\.txt"):
        suites.read_messages(path)


def test_an_item_with_an_unknown_field_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "s.jsonl"
    path.write_text(json.dumps({"id": "1", "q": "x", "kind": "k", "langg": "en"}))
    with pytest.raises(BadInputError, match="line 1"):
        suites.read_items(path, suites.Unanswerable)
    with pytest.raises(BadInputError, match="cannot be read"):
        suites.read_items(tmp_path / "none", suites.Unanswerable)


def test_what_changed_since_the_release_is_told(tmp_path: Path) -> None:
    path = tmp_path / "s.released.json"
    assert released.changes(path, {"a": "right"}) is None
    released.accept(path, {"a": "right", "b": "wrong"})
    found = released.changes(path, {"a": "silent", "b": "wrong", "new": "right"})
    assert found == [released.Change("a", "right", "silent")]
    path.write_text("{")
    with pytest.raises(BadInputError, match="--accept"):
        released.changes(path, {})


def test_the_command_prints_the_figures_as_json(tmp_path: Path) -> None:
    path = tmp_path / "s.txt"
    path.write_text("# emergency heart\ncrushing chest pain and my left arm is numb\n")
    done = CliRunner().invoke(triage_app, [str(path), "--json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.output)["s"]["emergency_recall"]["hits"] == 1
