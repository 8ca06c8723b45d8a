"""The list of what publishers took back, as a repository signs it and nodes read it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from services.bricks.errors import BrickDamagedError
from services.bricks.manifest import BrickRef

Reason = Annotated[str, Field(max_length=500)]
"""Why a version was taken back, as nodes show it."""


class Revocation(BaseModel):
    """A version that its publisher took back, why and when.

    What a later version of the list says besides is kept, and not understood.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    ref: BrickRef
    reason: Reason = ""
    date: dt.date | None = None


_LIST = TypeAdapter(list[Revocation])


def parse_revocations(raw: bytes) -> list[Revocation]:
    """Read the list.

    Raises:
        BrickDamagedError: it is none.
    """
    try:
        return _LIST.validate_json(raw)
    except ValidationError:
        raise BrickDamagedError("The list of what was taken back cannot be read.") from None


def write_revocations(taken: Sequence[Revocation]) -> bytes:
    """The list as it is signed."""
    return _LIST.dump_json(list(taken), indent=1)
