"""Which version of each brick is in use here, and which one comes back.

    installed = Installed(data / "bricks")
    installed.activate("heart-style@3")          # 2 stays behind it as the last good version
    installed.active()                           # {"heart-style": 3}
    installed.fall_back("heart-style", "unsafe answers rose")      # 2 is in use again
    installed.permits("heart-style@3")           # the reason why not: it was put aside here

All of it is one file, `installed.json`, replaced as a whole, so whoever reads sees the state before
a change or the state after it. Changes of several processes come one after another.
"""

from __future__ import annotations

import fcntl
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from compliance.audit.files import replace_synced, sync_folder
from services.bricks.errors import (
    BrickDamagedError,
    BrickError,
    BrickRevokedError,
    BrickUnknownError,
)
from services.bricks.manifest import split_ref
from services.bricks.updater.state import State

FILE = "installed.json"
"""In a node's folder of bricks; the one place that says what is in use."""
_log = logging.getLogger(__name__)


class Installed:
    """What is in use on a node.

    Args:
        folder: where its file lies; made with the first change.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / FILE

    def state(self) -> State:
        """Everything as it is now.

        Raises:
            BrickDamagedError: the file does not hold it any more; no brick is to be used then.
        """
        try:
            return State.model_validate_json(self.path.read_bytes())
        except FileNotFoundError:
            return State()
        except ValueError:
            raise BrickDamagedError(
                f"{self.path} is damaged; which bricks are in use is not known.",
                remedy="Move it away and pull again; pin anew, and put aside anew what must not be"
                " used.",
            ) from None

    def active(self) -> dict[str, int]:
        """The version in use of each brick, by its id; revoked ones are never among them.

        Raises:
            BrickDamagedError: see `state`.
        """
        return self.state().active()

    def permits(self, ref: str) -> str | None:
        """Why a version is not to be put in use, or None when it may be.

        Raises:
            BrickDamagedError: see `state`.
        """
        return self.state().obstacle(ref)

    def refuse_revoked(self, ref: str) -> None:
        """Refuse a version that its publisher took back; the store may still hold its files.

        Raises:
            BrickRevokedError: it was taken back.
            BrickDamagedError: see `state`.
        """
        _refuse_revoked(self.state(), ref)

    def activate(self, ref: str, home: str | None = None) -> None:
        """Put a version in use; the one before it becomes the last good version.

        Args:
            ref: ``id@version``.
            home: level and domain that it came from; None for one that was made here.

        Raises:
            BrickRevokedError: its publisher took it back.
            BrickError: it was put aside here, another one is pinned, or it is lower than the one
                that was in use.
        """
        brick, version = split_ref(ref)

        def change(state: State) -> State:
            _refuse_revoked(state, ref)
            if (reason := state.obstacle(ref)) is not None:
                raise BrickError(reason, remedy="`caretier bricks installed` shows what is in use.")
            moved = state.of(brick).moved_to(version)
            return state.having(brick, moved.model_copy(update={"home": home or moved.home}))

        self._change(change)

    def roll_back(self, ref: str, reason: str) -> None:
        """Put a lower version in use by an operator's word; the one in use is put aside.

        Raises:
            BrickRevokedError: its publisher took it back.
            BrickError: it is not lower than the one in use, or another one is pinned.
        """
        brick, version = split_ref(ref)

        def change(state: State) -> State:
            now = state.of(brick)
            _refuse_revoked(state, ref)
            if now.pinned not in {None, version}:
                raise BrickError(f"{brick} is pinned to {now.pinned}; take the pin off first.")
            if now.active is not None and version >= now.active:
                raise BrickError(f"{ref} is not lower than {brick}@{now.active}, which is in use.")
            return state.having(brick, now.back_to(version, reason))

        self._change(change)

    def fall_back(self, brick: str, reason: str, version: int | None = None) -> int | None:
        """Put the version in use aside and the last good one in its place, without a person.

        For what a rollout takes back because a clinical measure got worse: a pin does not hold it,
        and nothing is fetched (an operator's word is `Updater.roll_back`, which does and obeys).
        A later version is taken as usual; the one put aside does not come back by itself.

        Args:
            brick: its id.
            reason: one sentence without anything of a patient; it is kept and shown.
            version: that is to go; where another one is in use meanwhile, nothing is changed. None
                for whichever is in use.

        Returns:
            The version that is in use now, or None when there is no good one left.

        Raises:
            BrickUnknownError: no version of it is in use.
        """
        gone: list[int] = []

        def change(state: State) -> State:
            now = state.of(brick)
            if now.active is None:
                raise BrickUnknownError(f"No version of {brick} is in use here.")
            if version not in {None, now.active}:
                return state
            gone.append(now.active)
            return state.having(brick, now.back_to(state.good(brick), reason))

        now = self._change(change).of(brick)
        if gone:
            _log.warning("%s fell back to version %s: %s", brick, now.active, reason)
        return now.active

    def pin(self, brick: str, version: int | None) -> None:
        """Keep a brick at a version whatever comes (None: take the pin off).

        Raises:
            BrickRevokedError: its publisher took that version back.
        """

        def change(state: State) -> State:
            _refuse_revoked(state, f"{brick}@{version}")
            return state.having(brick, state.of(brick).model_copy(update={"pinned": version}))

        self._change(change)

    def revoke(self, revoked: Mapping[str, str]) -> list[str]:
        """Take the publisher's list of what is not to be used, with the reasons.

        Where such a version is in use, the last good one comes back, or none. A version that was
        once on the list stays on it.

        Returns:
            The versions that went out of use.
        """
        gone: list[str] = []

        def change(state: State) -> State:
            later = state.model_copy(update={"revoked": {**state.revoked, **revoked}})
            for brick, now in state.bricks.items():
                if now.active is not None and f"{brick}@{now.active}" in later.revoked:
                    gone.append(f"{brick}@{now.active}")
                    later = later.having(brick, now.without_active(later.good(brick)))
            return later

        if set(revoked) - set(self.state().revoked):
            self._change(change)
        return gone

    def drop(self, brick: str) -> None:
        """Take a brick out of use until it is pulled again, from wherever it is offered then.

        The highest version seen, pins and what was put aside stay known.
        """

        def change(state: State) -> State:
            off = {"active": None, "good": None, "home": None, "dropped": True}
            return state.having(brick, state.of(brick).model_copy(update=off))

        self._change(change)

    def _change(self, change: Callable[[State], State]) -> State:
        with self._lock():
            before = self.state()
            after = change(before)
            if after != before:
                replace_synced(self.path, after.model_dump_json(indent=1).encode())
                sync_folder(self.folder)
            return after

    @contextmanager
    def _lock(self) -> Iterator[None]:
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / f".{FILE}.lock").open("ab") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            yield


def _refuse_revoked(state: State, ref: str) -> None:
    if ref in state.revoked:
        raise BrickRevokedError(f"{ref} was taken back: {state.revoked[ref]}")
