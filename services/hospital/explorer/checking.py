"""Checking the whole trail in the background, one check at a time."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from compliance.audit import verify_file
from compliance.audit.errors import AuditError


@dataclass(frozen=True)
class CheckState:
    """How a check stands, or how the last one ended.

    Attributes:
        running: whether one is under way.
        done: records that were checked.
        whole: records that there are to check.
        ended: when the last one ended; None before the first.
        ok: whether the trail was whole then.
        first_bad: number of the first bad record, if there was one.
        reason: slug of what was wrong.
    """

    running: bool = False
    done: int = 0
    whole: int = 0
    ended: datetime | None = None
    ok: bool = False
    first_bad: int | None = None
    reason: str = ""


class Checking:
    """Checks one trail.

    Args:
        trail: the trail's file.
    """

    def __init__(self, trail: Path) -> None:
        self._trail, self._lock = trail, threading.Lock()
        self.state = CheckState()

    def start(self) -> bool:
        """Begin a check; False when one is under way."""
        with self._lock:
            if self.state.running:
                return False
            self.state = replace(self.state, running=True, done=0, whole=0)
        threading.Thread(target=self._run, name="audit-check", daemon=True).start()
        return True

    def _tell(self, done: int, whole: int) -> None:
        self.state = replace(self.state, done=done, whole=whole)

    def _run(self) -> None:
        ended = CheckState(ended=datetime.now(UTC), reason="unreadable")
        try:
            found = verify_file(self._trail, tell=self._tell)
            ended = CheckState(
                done=found.records, whole=found.records, ended=datetime.now(UTC), ok=found.ok,
                first_bad=found.first_bad, reason=found.reason or "",
            )  # fmt: skip
        except (OSError, AuditError):
            pass  # told as unreadable
        finally:
            with self._lock:
                self.state = ended
