"""What a training builds on: a whole adapter of the node that nobody took back."""

from __future__ import annotations

import pytest
from support.stub_engine import BASE, adapter_brick

from services.bricks.adapters.base import named_base
from services.bricks.errors import BrickRevokedError
from services.bricks.store import BrickStore
from services.bricks.updater.installed import Installed
from services.learning.train.parent import parent_folder


@pytest.fixture
def store(tmp_path):
    made = BrickStore(tmp_path / "bricks")
    adapter_brick(made, "amber")
    return made


def test_the_parents_folder_names_the_model_that_it_is_for(store, tmp_path):
    folder = parent_folder(store, "amber@1", tmp_path / "scratch")
    assert named_base(folder) == BASE


def test_nothing_is_trained_on_what_was_taken_back(store, tmp_path):
    Installed(store.folder).revoke({"amber@1": "It was unsafe."})
    with pytest.raises(BrickRevokedError, match="It was unsafe"):
        parent_folder(store, "amber@1", tmp_path / "scratch")
