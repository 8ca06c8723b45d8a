"""A machine and its pace, so that advice does not depend on where the tests run."""

from __future__ import annotations

import datetime as dt

import pytest

from services.advisor.hardware import Machine
from services.advisor.pace import Pace

GB = 1_000_000_000


@pytest.fixture
def machine():
    """A mini computer of a clinic."""
    return Machine(cpu="test", cores=4, memory=16 * GB, free=12 * GB, disk=500 * GB)


@pytest.fixture
def pace():
    """20 GB of weights a second; a prompt at 100 billion weights a second."""
    return Pace(
        measured=dt.datetime.now(dt.UTC),
        cpu="test",
        cores=4,
        threads=4,
        busy=False,
        per_layer=0.0001,
        bytes_per_second=20e9,
        weights_per_second=100e9,
    )
