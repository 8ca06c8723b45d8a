"""Advice: what fits 70 % of the memory and the time that is allowed, and why the rest does not."""

from __future__ import annotations

import datetime as dt

import pytest

from services.advisor.advise import advise
from services.advisor.hardware import Battery, Gpu
from services.advisor.wish import Wish
from services.bricks.manifest import BrickManifest

GB = 1_000_000_000
DIGEST = "sha256:" + "0" * 64


@pytest.fixture
def ask(machine, pace):
    """Advice for a wish on the machine, with changes to either."""

    def run(*, on=None, bricks=(), **wish):
        here = machine.model_copy(update=on or {})
        return advise(Wish(**wish), machine=here, pace=pace, bricks=bricks)

    return run


def ids(choices):
    return [choice.model.id for choice in choices]


def reasons(advice, model):
    return next(" ".join(c.against) for c in advice.rejected if c.model.id == model)


def test_every_model_is_either_recommended_or_rejected_with_a_reason(ask):
    advice = ask()
    assert len(advice.recommended) + len(advice.rejected) >= 25
    assert all(c.against for c in advice.rejected)
    assert not any(c.against for c in advice.recommended)


def test_nothing_is_recommended_beyond_seventy_percent_of_the_memory(ask):
    advice = ask(memory=8 * GB)
    assert advice.recommended
    assert all(c.memory.needed <= 0.7 * 8 * GB for c in advice.recommended)
    assert "70% of the memory are 5.60 GB" in reasons(advice, "phi-4")


def test_a_longer_context_takes_memory_and_may_not_fit(ask):
    short, long = ask(memory=10 * GB), ask(memory=10 * GB, context=32768)
    assert "llama-3.1-8b-instruct" in ids(short.recommended)
    assert "needs" in reasons(long, "llama-3.1-8b-instruct")


def test_several_requests_at_once_take_several_contexts(ask):
    one, many = ask(), ask(contexts=8)
    taken = {c.model.id: c.memory for c in one.recommended}
    for choice in many.recommended:
        if choice.form == next(c.form for c in one.recommended if c.model.id == choice.model.id):
            assert choice.memory.cache == 8 * taken[choice.model.id].cache


def test_a_model_that_holds_too_few_tokens_is_rejected(ask):
    assert "holds 8,192 tokens" in reasons(ask(context=16384), "llama3-med42-8b")


def test_what_writes_too_slowly_is_rejected_with_the_error_of_the_estimate(ask):
    advice = ask(tokens_per_second=10)
    assert all(c.pace.written_per_second >= 10 for c in advice.recommended)
    assert "± 35%" in reasons(advice, "phi-4")


def test_what_takes_too_long_for_an_answer_is_rejected(ask):
    advice = ask(seconds=30)
    assert all(c.pace.seconds(1024, 200) <= 30 for c in advice.recommended)
    assert "30 are allowed" in reasons(advice, "phi-4")


def test_a_coarser_form_is_taken_where_the_finer_does_not_fit(ask):
    forms = {
        m: next(c.form for c in ask(memory=m * GB).recommended if c.model.id == "qwen3-4b")
        for m in (6, 16)
    }
    assert forms == {6: "Q5_K_M", 16: "Q8_0"}


def test_the_best_published_medical_score_comes_first(ask):
    advice = ask()
    scores = [c.model.score.value for c in advice.recommended if c.model.score]
    assert scores == sorted(scores, reverse=True)
    assert advice.recommended[0].model.id == "medgemma-4b-it"
    assert "MedQA 64.4 %" in advice.recommended[0].why


def test_without_a_published_score_it_says_so_and_ranks_behind(ask):
    advice = ask()
    unknown = [i for i, c in enumerate(advice.recommended) if c.model.score is None]
    known = [i for i, c in enumerate(advice.recommended) if c.model.score]
    assert min(unknown) > max(known)
    assert advice.recommended[unknown[0]].why == "no medical evaluation is known"


def test_a_model_that_may_not_write_ranks_behind_all_that_may(ask):
    assert ids(ask().recommended)[-1] == "smollm2-135m-instruct"


def test_spanish_leaves_only_models_that_speak_it(ask):
    advice = ask(language="es")
    assert all("es" in c.model.languages for c in advice.recommended)
    assert "does not speak es" in reasons(advice, "medgemma-4b-it")


def test_a_licence_for_research_alone_is_taken_only_when_asked_for(ask):
    assert "for research alone" in reasons(ask(), "qwen2.5-3b-instruct")
    assert "qwen2.5-3b-instruct" in ids(ask(research=True).recommended)


def test_a_base_model_is_never_recommended(ask):
    assert "not taught to follow instructions" in reasons(ask(), "meditron-7b")


def test_a_model_without_a_known_file_says_how_to_make_one(ask):
    assert "caretier bricks convert" in reasons(ask(), "huatuogpt-o1-8b")


def test_a_full_disk_rejects_all_but_what_is_here(ask):
    advice = ask(on={"disk": 1000})
    assert ids(advice.recommended) == ["smollm2-135m-instruct"]
    assert "of disk are free" in reasons(advice, "qwen3-4b")


def test_a_card_runs_the_original_weights_in_vllm(ask):
    card = Gpu(name="NVIDIA H100 80GB HBM3", memory=80 * GB, free=80 * GB)
    advice = ask(on={"gpus": (card,)}, tokens_per_second=20)
    first = advice.recommended[0]
    assert (first.model.id, first.runner, first.form) == ("llama3-med42-8b", "vllm", "BF16") or (
        first.model.id == "huatuogpt-o1-8b" and first.runner == "vllm"
    )
    assert "needs" in reasons(advice, "llama-3.3-70b-instruct")


def test_two_cards_hold_a_larger_model(ask):
    card = Gpu(name="NVIDIA H100 80GB HBM3", memory=80 * GB, free=80 * GB)
    advice = ask(on={"gpus": (card, card, card)}, tokens_per_second=10)
    assert advice.recommended[0].model.id == "medgemma-27b-text-it"
    assert "llama3-med42-70b" in ids(advice.recommended)


def test_a_machine_that_is_only_described_is_not_measured(machine):
    advice = advise(Wish(machine=machine))
    assert advice.pace is None
    assert advice.recommended
    assert any("pace of the described machine" in note for note in advice.notes)


def test_a_bound_on_time_needs_a_known_pace(machine):
    advice = advise(Wish(machine=machine, seconds=20))
    assert not advice.recommended
    assert any("No model of the catalogue fits" in note for note in advice.notes)


def test_a_device_on_a_low_battery_is_told_to_wait_for_power(ask):
    notes = ask(on={"battery": Battery(percent=12, on_power=False)}).notes
    assert any("12 %" in note for note in notes)
    assert not any("battery" in n.lower() for n in ask().notes)


def test_bricks_of_the_need_are_named_and_others_are_not(ask):
    def brick(name, domain, languages=("en",)):
        return BrickManifest.model_validate(
            {
                "id": name,
                "version": 1,
                "kind": "policy",
                "title": name,
                "level": "clinic",
                "languages": languages,
                "domain": domain,
                "licence": "CC0",
                "created": dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
                "lineage": {"operation": "made"},
                "files": [
                    {"name": "a", "digest": "sha256:" + "0" * 64, "size": 1, "role": "other"}
                ],
            }
        )

    given = [brick("all", "medicine"), brick("law", "law"), brick("sp", "medicine", ("es",))]
    assert [b.ref for b in ask(bricks=given).bricks] == ["all@1"]
