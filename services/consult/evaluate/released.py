"""Compare outcomes with those of the last release.

The file beside a suite holds, for each item, its outcome when the release was made. Written with
``--accept`` and reviewed like code.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from compliance.errors import BadInputError


@dataclass(frozen=True)
class Change:
    """One item whose outcome is another one now."""

    item: str
    before: str
    now: str


def key(item: str) -> str:
    """A short stable name of an item, for messages that have no id."""
    return hashlib.sha256(item.encode()).hexdigest()[:12]


def changes(path: Path, outcomes: Mapping[str, str]) -> list[Change] | None:
    """What differs from the release; None when nothing was released.

    Raises:
        BadInputError: the file is damaged.
    """
    if not path.is_file():
        return None
    try:
        before: dict[str, str] = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise BadInputError(f"{path} cannot be read; write it anew with --accept.") from error
    pairs = ((item, before.get(key(item)), now) for item, now in outcomes.items())
    return [Change(item, old, now) for item, old, now in pairs if old is not None and old != now]


def accept(path: Path, outcomes: Mapping[str, str]) -> None:
    """Write the outcomes as those of a release."""
    lines = sorted((key(item), now) for item, now in outcomes.items())
    path.write_text(json.dumps(dict(lines), indent=0) + "\n", "utf-8")
