"""The parent's door: a contribution is written, signed and checked as a real one is."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

from compliance.sealing import IdentityKey
from services.learning.aggregate import Delta
from services.learning.contribution import Expected, check_contribution, write_contribution
from services.learning.errors import ContributionRefusedError

BASE = f"sha256:{'0' * 64}"
FIELDS = {
    "domain": "general",
    "base": BASE,
    "epoch": 0,
    "site": "site-1",
    "examples": 1,
    "privacy": {"mechanism": "none"},
}
"""Of every contribution's manifest."""
ANY_LENGTH = 1e9
"""The door's bound on a change's length is left open: the rules are to bear what comes."""


def refused(delta: Delta, max_norm: float = ANY_LENGTH) -> str | None:
    """Why a change is refused at the door, None where it is taken.

    Args:
        delta: the change.
        max_norm: greatest length that is taken.
    """
    key = _key()
    expected = Expected(
        domain="general",
        base=BASE,
        parent=None,
        epoch=0,
        rank=next(iter(delta.values())).up.shape[1],
        shapes={k: (f.up.shape[0], f.down.shape[1]) for k, f in delta.items()},
        max_norm=max_norm,
        signer=lambda _: key.public,
        taken=lambda _: False,
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "one.safetensors"
        write_contribution(path, FIELDS, delta, key)
        try:
            check_contribution(path, expected)
        except ContributionRefusedError as error:
            return error.reason
    return None


@cache
def _key() -> IdentityKey:
    return IdentityKey.generate()
