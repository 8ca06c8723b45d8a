"""The device's bricks: what the clinic hands on, checked as if the hospital had handed it over.

The line is the enrolled one of any person who is unlocked; what comes is the device's, not theirs:
no question, no name and no choice of a person goes up with it.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from compliance.errors import CaretierError
from patient_app.errors import NotLinkedError
from patient_app.member import Member
from patient_app.personal.training import on_power
from services.bricks.updater.download import Progress, silent, until
from services.bricks.updater.installed import Installed
from services.bricks.updater.ledger import Ledger, Line
from services.bricks.updater.limits import Limits
from services.bricks.updater.updater import Pulled, Updater
from services.consult.messages import Level
from services.exchange.bricks import repository_above, trust_above

LOOK_SECONDS = 30.0
"""Between two looks at whether it is time, and somebody is unlocked."""
RETRY_SECONDS = 900.0
"""After a failure, at most."""
_log = logging.getLogger("caretier.device.bricks")


def languages_of(members: Iterable[Member]) -> set[str]:
    """Languages that knowledge is wanted in: theirs, and English, which is shown where none is."""
    return {"en", *(str(member.profile["language"]) for member in members)}


class DeviceBricks:
    """Keeps the device's bricks up to date.

    Args:
        folder: of the bricks.
        moved_to: the clinic's address now, or None where that of the enrolment counts.
        limits: of time and size.
        write: puts what an update changed, or why it failed, on the audit trail; nothing in it is
            of a person.
    """

    def __init__(
        self,
        folder: Path,
        moved_to: Callable[[], str | None] = lambda: None,
        limits: Limits = Limits(),  # noqa: B008 - frozen
        write: Callable[[Line], object] = lambda _: None,
    ) -> None:
        self._folder, self._moved_to, self._limits = folder, moved_to, limits
        self._ledger = Ledger(folder, write)

    @contextmanager
    def updater(self, member: Member, progress: Progress = silent) -> Iterator[Updater]:
        """Fetches from the clinic of a person; trusts the hospital's root at the first time.

        Raises:
            NotLinkedError: this person is not enrolled, or no hospital stands behind the clinic.
            BrickUntrustedError: the root is not the hospital's.
            RepositoryAwayError: the clinic gives no answer.
        """
        enrolled_at, bundles = member.link()
        if Level.HOSPITAL not in bundles:
            raise NotLinkedError("No hospital stands behind this clinic, so nobody signs bricks.")
        peer = bundles[Level.CLINIC].identity_public().fingerprint
        url = self._moved_to() or enrolled_at
        with repository_above(url, member.identity, peer) as source:
            made = Updater(self._folder, source, self._limits, progress, node=peer)
            if not made.client.trusts:
                trust_above(made.client, bundles[Level.HOSPITAL].identity_public())
            yield made

    def update(
        self,
        member: Member,
        languages: Collection[str],
        progress: Progress = silent,
        *,
        asked: bool = False,
    ) -> list[Pulled]:
        """Take what is new; on battery only what was taken back, unless a person asked for it.

        Raises:
            NotLinkedError, BrickUntrustedError, RepositoryAwayError: see `updater`.
        """
        installed = Installed(self._folder)
        with (
            self._ledger.step("update", installed, progress) as step,
            self.updater(member, step.progress) as updater,
        ):
            if not (asked or on_power()):
                updater.check()
                return []
            done = updater.update("device", languages)
            step.done(done, updater.failed)
            return done

    def pull(self, member: Member, wanted: str, progress: Progress = silent) -> Pulled:
        """Put one brick in use.

        Raises:
            NotLinkedError, BrickUntrustedError, RepositoryAwayError: see `updater`.
            BrickError: see `Updater.pull`.
        """
        installed, brick = Installed(self._folder), wanted.partition("@")[0]
        with (
            self._ledger.step("update", installed, progress, brick=brick) as step,
            self.updater(member, step.progress) as updater,
        ):
            done = updater.pull(wanted)
            step.done([done], {})
            return done

    async def loop(self, unlocked: Callable[[], Iterable[Member]], seconds: float) -> None:
        """Update every so often, from when somebody is unlocked, until cancelled."""
        stop, due = threading.Event(), 0.0
        try:
            while True:
                members = list(unlocked())
                if members and time.monotonic() >= due:
                    done = await asyncio.to_thread(self._tried, members, until(stop))
                    due = time.monotonic() + (seconds if done else min(seconds, RETRY_SECONDS))
                await asyncio.sleep(LOOK_SECONDS)
        finally:
            stop.set()

    def _tried(self, members: list[Member], progress: Progress) -> bool:
        """Update over the line of the first who has one; return whether that went well."""
        for member in members:
            try:
                self.update(member, languages_of(members), progress)
            except NotLinkedError:
                continue
            except CaretierError as error:
                _log.warning("bricks: %s", error.message)
            except Exception as error:  # noqa: BLE001 - a loop that dies brings nothing more
                _log.error("bricks: %s", type(error).__name__)
            else:
                return True
        return False
