"""The pace of a machine: worked out of two trials, kept while it holds, never nonsense."""

from __future__ import annotations

import datetime as dt

import pytest

from services.advisor import pace as paces
from services.advisor.catalogue import Catalogue
from services.advisor.hardware import Gpu, Machine
from services.advisor.pace import LARGE, Pace, measured, on_card
from services.advisor.trial import Trial

MODELS = Catalogue.load()
SMALL = MODELS.model("smollm2-135m-instruct")
SIZE = 250_000_000


def trials(per_layer, rate):
    """What a machine of this pace would show."""

    def trial(layers, size):
        return Trial(0, 100.0, 1 / (layers * per_layer + size / rate))

    return trial(SMALL.shape.layers, SMALL.file().size), trial(LARGE.layers, SIZE)


@pytest.mark.parametrize(("per_layer", "rate"), [(0.0001, 20e9), (0.00002, 60e9), (0.0, 10e9)])
def test_the_pace_that_made_two_trials_is_found_again(machine, per_layer, rate):
    found = Pace.of(machine, 2, *trials(per_layer, rate), SIZE)
    assert found.bytes_per_second == pytest.approx(rate)
    assert found.per_layer == pytest.approx(per_layer, abs=1e-9)


@pytest.mark.parametrize(("small", "large"), [(500.0, 1.0), (1.0, 500.0), (0.01, 0.01)])
def test_trials_that_contradict_one_another_give_no_nonsense(machine, small, large):
    found = Pace.of(machine, 1, Trial(0, 1.0, small), Trial(0, 1.0, large), SIZE)
    assert found.per_layer >= 0
    assert 0.99 * large * SIZE <= found.bytes_per_second <= 2.01 * large * SIZE


def test_a_larger_model_and_a_longer_context_are_slower(pace):
    small, large = MODELS.model("llama-3.2-1b-instruct"), MODELS.model("llama-3.1-8b-instruct")

    def told(model, context=2048):
        file = model.file()
        return pace.estimate(model.shape, file.form, file.size, context=context)

    assert told(small).written_per_second > told(large).written_per_second
    assert told(large).written_per_second > told(large, 65536).written_per_second
    assert told(large).seconds(1000, 100) > told(small).seconds(1000, 100)


def test_a_mixture_is_as_quick_as_what_works_on_a_token(pace):
    mixture, dense = MODELS.model("gpt-oss-20b"), MODELS.model("mistral-small-24b-instruct-2501")
    quick, slow = (
        pace.estimate(m.shape, m.file().form, m.file().size, context=2048) for m in (mixture, dense)
    )
    assert quick.written_per_second > 3 * slow.written_per_second


def test_unknown_cards_have_no_known_pace():
    shape = MODELS.model("llama-3.1-8b-instruct").shape
    known = (Gpu(name="NVIDIA H100 80GB HBM3", memory=80 << 30, free=80 << 30),)
    other = (Gpu(name="Card of tomorrow", memory=80 << 30, free=80 << 30),)
    assert 50 < on_card(known, shape, shape.parameters * 2, context=4096).written_per_second < 250
    assert on_card(other, shape, shape.parameters * 2, context=4096) is None
    assert on_card((*known, *other), shape, shape.parameters * 2, context=4096) is None


@pytest.fixture
def counted(monkeypatch, tmp_path):
    """Trials that are not run but counted."""
    seen = []

    def trial(model, **given):
        seen.append((model.name, given["threads"]))
        return Trial(0, 100.0, 50.0 if "SmolLM2" in model.name else 40.0)

    monkeypatch.setenv("CARETIER_MODELS", str(tmp_path))
    monkeypatch.setattr(paces, "try_model", trial)
    monkeypatch.setattr(paces, "write_stand_in", lambda file, *_: file.write_bytes(bytes(1000)))
    return seen


def test_a_pace_is_measured_once_and_kept(counted, machine):
    first = measured(machine)
    assert measured(machine) == first
    assert {threads for _, threads in counted} == {1, 2}
    assert len(counted) == 4


@pytest.mark.parametrize("other", [{"cpu": "another"}, {"cores": 64}])
def test_another_machine_is_measured_anew(counted, machine, other):
    measured(machine)
    before = len(counted)
    measured(Machine(**{**machine.model_dump(), **other}))
    assert len(counted) > before


def test_an_old_pace_and_a_damaged_file_are_measured_anew(counted, machine, monkeypatch, tmp_path):
    measured(machine)
    monkeypatch.setattr(paces, "KEPT", dt.timedelta(0))
    monkeypatch.setattr(paces, "HOUR", dt.timedelta(0))
    measured(machine)
    assert len(counted) == 8
    (tmp_path / paces.FILE).write_text("{")
    measured(machine)
    assert len(counted) == 12


def test_it_is_measured_anew_when_asked(counted, machine):
    measured(machine)
    measured(machine, again=True)
    assert len(counted) == 8
