"""Both clients on paper: the fixtures of the portal's and of the patient's browser tests."""

from __future__ import annotations

from tests.browser.patient.conftest import cheap_vault, home, said, stage
from tests.browser.portal.conftest import (
    hospital,
    lay,
    look,
    open_page,
    treated,
)

__all__ = [
    "cheap_vault",
    "home",
    "hospital",
    "lay",
    "look",
    "open_page",
    "said",
    "stage",
    "treated",
]
