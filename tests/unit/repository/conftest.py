"""A repository with cheap keys, and one whose disk fails."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from support.brick_repository import World


@pytest.fixture(autouse=True)
def quick_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not wait for the disk: nobody cuts the power here."""
    monkeypatch.setattr("os.fsync", lambda _: None)


@pytest.fixture
def empty(tmp_path: Path) -> World:
    """A world without a repository."""
    return World(tmp_path)


@pytest.fixture
def world(empty: World) -> World:
    """A repository where device/general is delegated."""
    empty.init()
    empty.delegate()
    return empty


@pytest.fixture
def break_at(world: World, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Let the N-th file that the repository puts in its place be the one that never gets there."""

    def arm(number: int) -> None:
        left = [number]
        place = world.repository.layout._place

        def placed(draft: Path, path: Path) -> None:
            left[0] -= 1
            if left[0] == 0:
                raise OSError(28, "No space left on device")
            place(draft, path)

        monkeypatch.setattr(world.repository.layout, "_place", placed)

    return arm
