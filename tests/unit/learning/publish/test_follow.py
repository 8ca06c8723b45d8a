"""The hospital's expert is what is released, and comes back with what was released before."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from services.experts.errors import ExpertsUnsupportedError, ExpertUnknownError
from services.learning.publish.follow import Followed


class Experts:
    """Notes what is pushed and popped."""

    def __init__(self):
        self.held, self.said, self.error = {}, [], None

    def all(self):
        return tuple(SimpleNamespace(id=name) for name in self.held)

    async def push(self, ref):
        if self.error:
            raise self.error
        name, _, version = ref.partition("@")
        self.held[name] = version
        self.said.append(f"push {ref}")

    async def pop(self, id_):
        if id_ not in self.held:
            raise ExpertUnknownError("There is none.")
        del self.held[id_]
        self.said.append(f"pop {id_}")


class Released:
    """Rounds that have released something."""

    policy = SimpleNamespace(domains={"general": None})

    def __init__(self):
        self.parent = None

    def standing(self, _domain):
        return SimpleNamespace(parent=self.parent)


@pytest.fixture
def world(tmp_path):
    rounds, experts = Released(), Experts()
    return SimpleNamespace(
        rounds=rounds, experts=experts, look=lambda: Followed(rounds, experts, tmp_path).follow()
    )


async def test_a_release_is_pushed_once_and_a_rollback_brings_the_former_one(world):
    await world.look()
    assert world.experts.said == []
    for parent in ("learned-general@1", "learned-general@2", "learned-general@1", None):
        world.rounds.parent = parent
        await world.look()
        await world.look()
    assert world.experts.said == [
        "push learned-general@1",
        "push learned-general@2",
        "push learned-general@1",
        "pop learned-general",
    ]


async def test_what_an_operator_popped_stays_away_until_the_next_release(world):
    world.rounds.parent = "learned-general@1"
    await world.look()
    await world.experts.pop("learned-general")
    await world.look()
    assert world.experts.held == {}
    world.rounds.parent = "learned-general@2"
    await world.look()
    assert world.experts.held == {"learned-general": "2"}


async def test_what_could_not_be_pushed_is_tried_again(world):
    world.rounds.parent = "learned-general@1"
    world.experts.error = ExpertsUnsupportedError("No adapters here.")
    await world.look()
    world.experts.error = None
    await world.look()
    assert world.experts.said == ["push learned-general@1"]
