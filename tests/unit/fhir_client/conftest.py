"""A client without long pauses."""

from __future__ import annotations

import pytest

from services.fhir.client import ClientSettings

FAST = ClientSettings(
    timeout=5, deadline=5, attempts=4, pause=0.001, longest_pause=0.01, rate=10_000, burst=1000,
    page=10, poll=0.01, rest=60,
)  # fmt: skip


@pytest.fixture
def fast() -> ClientSettings:
    return FAST
