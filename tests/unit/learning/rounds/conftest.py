"""A parent of a test's own."""

from __future__ import annotations

import pytest

from tests.support.rounds import Parent


@pytest.fixture
def parent(tmp_path):
    made = Parent(tmp_path)
    yield made
    made.close()
