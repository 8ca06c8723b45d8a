"""What is looked at to say whether all is well: each check with what was found."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from services.engines.protocol import EngineCard
from services.exchange.registry import Registry
from services.hospital.jobs import Jobs
from services.hospital.settings import HospitalSettings
from services.store.database import Database

State = Literal["ok", "none", "warn", "bad"]
"""``none``: it is not there, and need not be; or nothing is known of it."""
ORDER: tuple[State, ...] = ("bad", "warn", "none", "ok")
BACKUP_FILE = "last-backup"
"""In the data folder; whoever makes backups touches it after each, and its age is that of the last.
"""
LATE = timedelta(minutes=5)
"""A job that is due for so long is not just waiting for its turn."""
VERY_LATE = timedelta(minutes=30)
LOW_DISK, NO_DISK = 10 * 2**30, 2**30
OLD_BACKUP, NO_BACKUP = timedelta(hours=26), timedelta(days=7)
SKEW, GREAT_SKEW = timedelta(seconds=2), timedelta(seconds=30)


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: which; the words for it stand in the portal's catalogue under ``health.<name>``.
        state: how it stands.
        found: values for those words.
        until: when it runs out, or since when it stands so; None where that says nothing.
    """

    name: str
    state: State
    found: dict[str, object] = field(default_factory=dict)
    until: datetime | None = None


@dataclass(frozen=True)
class Sight:
    """What the checks look at.

    Attributes:
        card: of the engine that is loaded, None where there is none.
        trail: file of the audit trail.
        kept: adapters that the model server did not unload when it was asked to.
    """

    database: Database
    settings: HospitalSettings
    jobs: Jobs
    registry: Registry
    card: Callable[[], EngineCard | None]
    trail: Path
    kept: Callable[[], int] = lambda: 0

    @property
    def data(self) -> Path:
        """Folder of the hospital's state."""
        return self.settings.data


def checks(sight: Sight, now: datetime | None = None) -> list[Check]:
    """Every check, the worst first; a check that fails itself is a bad one."""
    from services.hospital.operations import looks

    at = now or datetime.now(UTC)
    found: list[Check] = []
    for name, look in looks.LOOKS.items():
        try:
            found += look(sight, at)
        except Exception as error:  # noqa: BLE001 - what cannot be looked at is not well
            found.append(Check(name, "bad", {"error": type(error).__name__}))
    return sorted(found, key=lambda check: ORDER.index(check.state))


Look = Callable[[Sight, datetime], Iterator[Check]]
