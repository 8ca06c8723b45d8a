"""New keys: how many, where they are written, and behind which passphrase."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from securesystemslib.signer import Key

from compliance.errors import BadInputError
from services.bricks.repository.edition import UNATTENDED
from services.bricks.repository.key_files import Cost, make_key
from services.bricks.repository.key_ring import KeyRing

AskNew = Callable[[str], str]
"""Returns a new passphrase for a key, which is said like ``root, key 1 of 3``."""
MAX_KEYS = 16
"""Of one role: as many as people keep track of."""


@dataclass(frozen=True)
class KeyPlan:
    """How many keys a role has, how many of them have to sign, and where they are written.

    Attributes:
        folders: the keys go round them, so that each may be another holder's stick.
    """

    folders: Sequence[Path]
    keys: int = 1
    threshold: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.threshold <= self.keys <= MAX_KEYS:
            raise BadInputError(
                f"{self.threshold} of {self.keys} keys cannot be: a role has 1 to {MAX_KEYS} keys, "
                "and a threshold that they reach."
            )


@dataclass(frozen=True)
class KeyMaker:
    """Makes keys.

    Attributes:
        ask: for the passphrase of each key that people hold.
        cost: of sealing them; the usual when None.
    """

    ask: AskNew
    cost: Cost | None = None

    def make(self, role: str, plan: KeyPlan, keys: KeyRing) -> list[Key]:
        """Write new keys of a role, put them on the ring, and return their public parts.

        Raises:
            RepositoryKeyError: a passphrase is too short, or a folder cannot be written to.
        """
        made: list[Key] = []
        for number in range(plan.keys):
            which = f"{role}, key {number + 1} of {plan.keys}"
            passphrase = None if role in UNATTENDED else self.ask(which)
            folder = plan.folders[number % len(plan.folders)]
            key, signer = make_key(folder, role, passphrase, self.cost)
            keys.hold(key, signer)
            made.append(signer.public_key)
        return made
