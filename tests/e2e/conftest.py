"""The deployment that the tests of this folder talk to."""

from __future__ import annotations

import pytest

from tests.support.stack import Stack, shared_stack


@pytest.fixture(scope="session")
def stack() -> Stack:
    return shared_stack()
