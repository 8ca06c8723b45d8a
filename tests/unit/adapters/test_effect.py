"""When a quantised file is taken, and when it is refused."""

from __future__ import annotations

import pytest

from services.bricks.adapters.effect import Effect
from services.bricks.adapters.errors import EffectLostError


def effect(**told: float) -> Effect:
    usual = {"carried": 1.0, "kept": 1.0, "changed": 0.9, "gain": 2.0, "answers": 8}
    return Effect("Q4_1", **{**usual, **told})


def test_a_kept_behaviour_is_taken():
    effect().expect()
    effect(kept=0.8, carried=0.6).expect()


@pytest.mark.parametrize("lost", [{"kept": 0.3}, {"carried": 0.1}, {"kept": -0.2, "carried": 0.0}])
def test_a_lost_behaviour_is_refused_though_most_blocks_differ(lost):
    with pytest.raises(EffectLostError, match="loses what was merged") as raised:
        effect(**lost).expect()
    assert "Q4_K_M" in raised.value.advice


def test_a_behaviour_that_the_questions_do_not_show_is_refused_with_the_way_out():
    with pytest.raises(EffectLostError, match="no difference") as raised:
        effect(gain=0.01).expect()
    assert "--questions" in raised.value.advice
