"""The root that a node trusts from the start, in the words of a node that it knows already.

Whoever enrols has the hospital's identity, pinned by the one-time code. The hospital signs the root
of its repository with it; the clinic hands the signed root on as it is, so that a clinic cannot
send its devices to a repository of its own.

    pin = RootPin.sign(root, hospital_identity)
    client.trust(pin.open(hospital_public))
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, StringConstraints

from compliance.errors import NotFoundError
from compliance.sealing import IdentityKey, IdentityPublic, SealingError
from compliance.sealing.encoding import from_text, to_text
from compliance.sealing.identity import signed_bytes
from services.bricks.errors import BrickUntrustedError
from services.bricks.updater.limits import Limits

MAX_PIN = 2 * Limits.root_bytes
"""Bytes of a pin on the wire at most."""
_PURPOSE = "caretier/brick-root/v1"
_ROOT = re.compile(r"([1-9][0-9]{0,9})\.root\.json")


class RootPin(BaseModel):
    """A root of a brick repository, signed by a node's identity.

    Attributes:
        root: the metadata file, as text.
        signature: of the node, base64url.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    root: Annotated[str, StringConstraints(max_length=Limits.root_bytes)]
    signature: Annotated[str, StringConstraints(max_length=100)]

    @classmethod
    def sign(cls, root: bytes, identity: IdentityKey) -> Self:
        """Vouch for a root."""
        signature = identity.sign(signed_bytes(_PURPOSE, root))
        return cls(root=root.decode(), signature=to_text(signature))

    @classmethod
    def of_repository(cls, folder: Path, identity: IdentityKey) -> Self:
        """Vouch for the newest root of a repository on this machine.

        Raises:
            NotFoundError: there is no repository.
        """
        return cls.sign(_newest_root(folder), identity)

    def open(self, by: IdentityPublic) -> bytes:
        """The root, if a node vouches for it.

        Raises:
            BrickUntrustedError: it does not.
        """
        root = self.root.encode()
        try:
            by.verify(from_text(self.signature), signed_bytes(_PURPOSE, root))
        except (SealingError, ValueError):
            raise BrickUntrustedError(
                "The root of the repository is not signed by the hospital that this node knows.",
                remedy="Nothing is trusted yet. Ask the hospital for its root; it may be false.",
            ) from None
        return root


def _newest_root(repository: Path) -> bytes:
    found = [
        (int(match[1]), path)
        for path in (repository / "metadata").glob("*.root.json")
        if (match := _ROOT.fullmatch(path.name))
    ]
    if not found:
        raise NotFoundError("This node has no repository of bricks.")
    return max(found)[1].read_bytes()
