from __future__ import annotations

import pytest

from compliance.deidentify import Deidentifier


@pytest.fixture(scope="session")
def detector() -> Deidentifier:
    """One detector for all tests: building it is the slow part."""
    return Deidentifier.load()
