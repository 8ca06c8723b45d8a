"""A repository with one brick, and a node that has it in use."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.repository import Publisher

from services.bricks.updater.updater import Updater


@pytest.fixture
def publisher(tmp_path: Path) -> Publisher:
    """A repository that offers heart-style@1."""
    made = Publisher(tmp_path / "repository")
    made.brick(b"the first words")
    made.publish()
    return made


@pytest.fixture
def updater(publisher: Publisher, tmp_path: Path) -> Updater:
    """A node with heart-style@1 in use."""
    made = publisher.updater(tmp_path / "node")
    made.pull("heart-style")
    return made


@pytest.fixture(autouse=True)
def quick_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not wait for the disk: nobody cuts the power here."""
    monkeypatch.setattr("os.fsync", lambda _: None)
