"""The clinic's bricks: the copy of the repository that devices follow, and what it uses itself.

The copy comes from the hospital over the enrolled line. The clinic's own bricks come out of that
copy, so that each file passes the line once, and a device never sees more than the clinic has.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import ValidationError

from compliance.errors import CaretierError, NotFoundError
from compliance.sealing import IdentityPublic
from services.bricks.errors import RepositoryAwayError
from services.bricks.updater.client import Client
from services.bricks.updater.download import Downloads, Progress, silent, until
from services.bricks.updater.installed import Installed
from services.bricks.updater.ledger import Ledger, Line
from services.bricks.updater.limits import Limits
from services.bricks.updater.mirror import Mirror, Synced
from services.bricks.updater.pin import RootPin
from services.bricks.updater.source import FolderSource, Source
from services.bricks.updater.updater import LEVELS, Pulled, Updater
from services.exchange.bricks import trust_above

LANGUAGES = ("en", "es")
NO_COPY = "This clinic has no copy of the hospital's repository yet."
_log = logging.getLogger("caretier.clinic.bricks")

Above = Callable[[], tuple[Source, IdentityPublic] | None]
"""Opens the hospital's repository; with the hospital's identity. None before enrolment."""


class ClinicBricks:
    """Keeps the clinic's copy and its own bricks up to date.

    Args:
        data: folder of the clinic's state.
        above: opens the hospital's repository.
        limits: of time and size.
        write: puts what an update changed, or why it failed, on the audit trail.
        node: fingerprint of this clinic, whose turn counts where versions come by turns.
    """

    def __init__(
        self,
        data: Path,
        above: Above,
        limits: Limits = Limits(),  # noqa: B008 - frozen
        write: Callable[[Line], object] = lambda _: None,
        node: str | None = None,
    ) -> None:
        self._node = node
        self.copy, self._bricks = data / "mirror", data / "bricks"
        self._ledger = Ledger(self._bricks, write)
        self._above, self._limits = above, limits
        self._mirror = Mirror(self.copy, LEVELS["clinic"])

    def sync(self, progress: Progress = silent) -> Synced:
        """Bring the copy to the hospital's present state.

        Raises:
            RepositoryAwayError: this clinic is not enrolled, or the hospital gives no answer.
            BrickUntrustedError: what it gives does not hold.
        """
        with (
            self._ledger.step("copy", progress=progress) as step,
            self._opened() as (source, hospital),
        ):
            client = Client(self.copy / "trust", source, self._limits)
            pin = trust_above(client, hospital)
            downloads = Downloads(self.copy / "parts", source, self._limits, step.progress)
            synced = self._mirror.sync(client, downloads)
            step.moved = synced.moved
            self._mirror.layout.write(self.copy / "pin.json", pin.model_dump_json().encode())
            return synced

    def update(self, progress: Progress = silent) -> list[Pulled]:
        """Bring the clinic's own bricks up to what the copy holds.

        Raises:
            BrickUntrustedError, RepositoryAwayError: see `Updater.check`.
        """
        installed = Installed(self._bricks)
        with self._ledger.step("update", installed, progress) as step:
            updater = self.updater(step.progress)
            done = updater.update("clinic", LANGUAGES)
            step.done(done, updater.failed)
            return done

    def pull(self, wanted: str, progress: Progress = silent) -> Pulled:
        """Put one brick in use, out of the copy.

        Raises:
            NotFoundError: there is no copy yet.
            BrickError: see `Updater.pull`.
        """
        installed, brick = Installed(self._bricks), wanted.partition("@")[0]
        with self._ledger.step("update", installed, progress, brick=brick) as step:
            done = self.updater(step.progress).pull(wanted)
            step.done([done], {})
            return done

    def updater(self, progress: Progress = silent) -> Updater:
        """Fetches the clinic's own bricks out of the copy.

        Raises:
            NotFoundError: there is no copy yet.
        """
        made = Updater(
            self._bricks, FolderSource(self.copy), self._limits, progress, node=self._node
        )
        if not made.client.trusts:
            trusted = self.copy / "trust" / "root.json"
            if not trusted.is_file():
                raise NotFoundError(NO_COPY)
            made.client.trust(trusted.read_bytes())
        return made

    def pin(self) -> RootPin:
        """The root that devices are to trust, as the hospital signed it.

        Raises:
            NotFoundError: there is no copy yet.
        """
        try:
            return RootPin.model_validate_json((self.copy / "pin.json").read_bytes())
        except (FileNotFoundError, ValidationError):  # a damaged one is replaced by the next sync
            raise NotFoundError(NO_COPY) from None

    async def loop(self, seconds: float) -> None:
        """Sync and update, at the start and every so often, until cancelled."""
        stop = threading.Event()
        try:
            while True:
                for step in (self.sync, self.update):
                    try:
                        await asyncio.to_thread(step, until(stop))
                    except CaretierError as error:
                        _log.warning("bricks: %s", error.message)
                    except Exception as error:  # noqa: BLE001 - a loop that dies brings nothing
                        _log.error("bricks: %s", type(error).__name__)
                await asyncio.sleep(seconds)
        finally:
            stop.set()

    @contextmanager
    def _opened(self) -> Iterator[tuple[Source, IdentityPublic]]:
        found = self._above()
        if found is None:
            raise RepositoryAwayError(
                "This clinic is not enrolled at a hospital.",
                remedy="`caretier clinic enrol CODE` does that.",
            )
        with found[0] as source:
            yield source, found[1]
