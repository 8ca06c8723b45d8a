"""What updates changed on a node, what they failed at, and how far one is that runs.

    ledger = Ledger(data / "bricks", write=lambda line: trail.record(brick_changed(by, line)))
    with ledger.step("update", installed, silent) as step:
        step.done(updater.update("clinic", ("en",)), updater.failed)

The last lines and the progress stand in ``updates.json``, so that another process can show them.
Every line is also handed to ``write``, which puts it on the node's audit trail. A failure that
comes again and again, as while a hospital is away, is a line once, until it changes.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from compliance.audit import AuditError
from compliance.audit.files import replace_synced
from compliance.errors import CaretierError
from services.bricks.errors import BrickDamagedError
from services.bricks.manifest import split_ref
from services.bricks.updater.download import Progress, silent
from services.bricks.updater.installed import Installed
from services.bricks.updater.state import State
from services.bricks.updater.updater import Pulled

FILE, MOST_LINES = "updates.json", 50
"""In a node's folder of bricks, and how many lines it keeps; the trail keeps all."""
EVERY_SECONDS = 1.0
"""Between two writings of how far a file is."""
Step = Literal["copy", "update"]
"""What a clinic hands on to its devices, or what a node uses itself."""
_log = logging.getLogger("caretier.bricks")


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class Line(_Part):
    """One change, or one failure.

    Attributes:
        at: when.
        step: ``copy`` for what a clinic hands on, ``update`` for what the node uses itself.
        brick: its id; None where it is about all of them.
        before, after: the version in use before and now; equal where one was mended.
        moved: bytes fetched for it.
        why: the reason of a failure, or why a version went out of use.
        failed: whether nothing was changed.
    """

    at: datetime
    step: Step
    brick: str | None = None
    before: int | None = None
    after: int | None = None
    moved: int = 0
    why: str | None = None
    failed: bool = False

    def is_like(self, other: Line) -> bool:
        """Whether it says what another one says."""
        return self.model_copy(update={"at": other.at}) == other


class OnTheWay(_Part):
    """A file that is being fetched: how many of its bytes are here, of how many."""

    step: Step
    file: str = ""
    here: int = 0
    size: int = 0
    since: datetime
    at: datetime


class Updates(_Part):
    """What is known of the updates of a node: the last lines, latest last, and what runs."""

    lines: tuple[Line, ...] = ()
    running: OnTheWay | None = None
    ended: dict[Step, datetime] = Field(default_factory=dict)
    """When each step last ended well."""

    def failing(self, step: Step) -> list[Line]:
        """The failures of a step that nothing has followed yet, one for each brick."""
        last = {line.brick: line for line in self.lines if line.step == step}
        since = self.ended.get(step)
        return [
            line
            for brick, line in last.items()
            if line.failed and (brick is not None or since is None or line.at > since)
        ]

    @classmethod
    def of(cls, folder: Path) -> Updates:
        """As the node of a folder last wrote it down; empty where it cannot be read."""
        try:
            return cls.model_validate_json((folder / FILE).read_bytes())
        except (OSError, ValidationError):
            return cls()


class Running:
    """A step that runs; it is told what came, and of files that are on their way."""

    def __init__(self, tell: Callable[[OnTheWay], None], step: Step, then: Progress) -> None:
        self._tell, self._step, self._then = tell, step, then
        self._since, self._told = datetime.now(UTC), 0.0
        self.pulled: Sequence[Pulled] = ()
        self.failed: Mapping[str, str] = {}
        self.moved = 0
        """Bytes that are about no brick alone."""

    def done(self, pulled: Sequence[Pulled], failed: Mapping[str, str]) -> None:
        """Say what came into use, and why each brick that failed did."""
        self.pulled, self.failed = pulled, failed

    def progress(self, name: str, here: int, size: int) -> None:
        """See `services.bricks.updater.download.Progress`; it is handed on."""
        self._then(name, here, size)
        if time.monotonic() - self._told >= EVERY_SECONDS or here == size:
            self._told, now = time.monotonic(), datetime.now(UTC)
            self._tell(
                OnTheWay(
                    step=self._step, file=name, here=here, size=size, since=self._since, at=now
                )
            )


class Ledger:
    """The updates of a node.

    Args:
        folder: of its bricks.
        write: puts a line on the audit trail.
    """

    def __init__(self, folder: Path, write: Callable[[Line], object] = lambda _: None) -> None:
        self._folder, self._write = folder, write
        self._lock = threading.Lock()

    @contextmanager
    def step(
        self,
        step: Step,
        installed: Installed | None = None,
        progress: Progress = silent,
        *,
        brick: str | None = None,
    ) -> Iterator[Running]:
        """Write down what the block changes, or why it failed.

        Args:
            step: which.
            installed: whose versions in use are compared before and after; None where no version
                comes into use.
            progress: is told how far files are, too.
            brick: the one that it is about, where it is about one alone.

        Raises:
            AuditError: what was changed could not be written down.
        """
        before = _state(installed).active()
        running, failure = Running(self._tell, step, progress), None
        try:
            yield running
        except BaseException as error:
            why = error.message if isinstance(error, CaretierError) else type(error).__name__
            failure = Line(at=datetime.now(UTC), step=step, brick=brick, why=why, failed=True)
            raise
        finally:
            self._end(step, self._changes(step, installed, before, running), failure)

    def _changes(
        self, step: Step, installed: Installed | None, before: Mapping[str, int], running: Running
    ) -> list[Line]:
        at, state = datetime.now(UTC), _state(installed)
        after, moved = state.active(), {split_ref(p.ref)[0]: p.moved for p in running.pulled}
        lines = [
            Line(
                at=at,
                step=step,
                brick=brick,
                before=before.get(brick),
                after=after.get(brick),
                moved=moved.get(brick, 0),
                why=state.why_not(f"{brick}@{before[brick]}") if brick in before else None,
            )
            for brick in sorted({*before, *after})
            if before.get(brick) != after.get(brick) or moved.get(brick)
        ]
        if running.moved:
            lines.append(Line(at=at, step=step, moved=running.moved))
        for brick, why in sorted(running.failed.items()):
            now = after.get(brick)
            failed = {"brick": brick, "before": now, "after": now, "why": why, "failed": True}
            lines.append(Line.model_validate({"at": at, "step": step, **failed}))
        return lines

    def _end(self, step: Step, lines: list[Line], failure: Line | None) -> None:
        """Write down what is new; the progress ends with it."""
        now = datetime.now(UTC)
        with self._lock:
            known = Updates.of(self._folder)
            every = [*lines, *([failure] if failure else [])]
            new = [line for line in every if not (line.failed and _is_known(line, known.lines))]
            ended = known.ended if failure else {**known.ended, step: now}
            self._put(Updates(lines=(*known.lines, *new)[-MOST_LINES:], ended=ended))
        try:
            for line in new:
                self._write(line)
        except AuditError:
            if failure is None:
                raise
            _log.exception("an update that failed could not be written down")

    def _tell(self, way: OnTheWay) -> None:
        with self._lock:
            self._put(Updates.of(self._folder).model_copy(update={"running": way}))

    def _put(self, updates: Updates) -> None:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            replace_synced(self._folder / FILE, updates.model_dump_json(indent=1).encode())
        except OSError as error:
            _log.warning("how updates go could not be written down: %s", type(error).__name__)


def _state(installed: Installed | None) -> State:
    """What is in use; nothing where that is not known, which is the failure of whoever asks."""
    try:
        return installed.state() if installed else State()
    except BrickDamagedError:
        return State()


def _is_known(line: Line, lines: Sequence[Line]) -> bool:
    """Whether the last line of this step and brick says the same."""
    same = [old for old in lines if (old.step, old.brick) == (line.step, line.brick)]
    return bool(same) and line.is_like(same[-1])
