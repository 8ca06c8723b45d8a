"""A small adapter is trained in the environment with torch."""

from __future__ import annotations

import pytest

from services.bricks.adapters.base import Base
from services.bricks.adapters.convert import read_adapter
from services.bricks.errors import BrickError
from services.engines.errors import EngineUnavailableError
from services.engines.torch_side import run_module, torch_python

MODULE = "services.bricks.adapters.train"
EXAMPLES = [{"system": "", "user": f"say {word}", "answer": "that"} for word in ("a", "b", "c")]


@pytest.fixture(scope="module", autouse=True)
def _torch():
    try:
        torch_python()
    except EngineUnavailableError as error:
        pytest.skip(f"{error.message} {error.advice}")


def test_an_adapter_learns_its_examples_and_names_its_base(tiny, tmp_path):
    recipe = {"rank": 2, "modules": ["q_proj", "down_proj"], "steps": 25, "batch": 3, "rate": 0.05}
    request = {"base": str(tiny[0]), "out": str(tmp_path / "a"), "examples": EXAMPLES}
    told: list[str] = []
    done = run_module(MODULE, {**request, "recipe": recipe}, say=told.append, refused=BrickError)
    assert done["loss"][1] < done["loss"][0] / 2
    assert len(told) == 25
    adapter = read_adapter(tmp_path / "a", Base.of(tiny[0]))
    assert (adapter.rank, len(adapter.parts)) == (2, 4)
    assert str(tmp_path) not in (tmp_path / "a" / "adapter_config.json").read_text()


@pytest.mark.parametrize(
    ("changed", "said"),
    [({"examples": []}, "no examples"), ({"recipe": {"epochs": 3}}, "no epochs")],
)
def test_a_request_that_cannot_be_used_is_refused_before_torch_is_loaded(tmp_path, changed, said):
    request = {"base": "none", "out": str(tmp_path / "a"), "examples": EXAMPLES, "recipe": {}}
    with pytest.raises(BrickError, match=said):
        run_module(MODULE, request | changed, refused=BrickError)
