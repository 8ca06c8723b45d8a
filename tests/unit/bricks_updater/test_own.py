"""What a hospital takes back goes out of use at the hospital itself."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from support.repository import Publisher

from services.bricks.updater import own
from services.bricks.updater.installed import Installed


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "hospital"


async def until_active(data: Path, wanted: dict[str, int]) -> None:
    async with asyncio.timeout(60):
        while Installed(data / "bricks").active() != wanted:  # noqa: ASYNC110 - it is a file
            await asyncio.sleep(0.02)


async def test_a_hospital_follows_its_own_repository(data, monkeypatch, caplog):
    monkeypatch.setattr(own, "LOOK_SECONDS", 0.02)
    looking = asyncio.create_task(own.follow_own(data))
    await asyncio.sleep(0.05)  # there is no repository yet
    publisher = Publisher(data / "repository")
    publisher.brick(b"words")
    publisher.publish()
    installed = Installed(data / "bricks")
    installed.activate("heart-style@1")
    publisher.revoke("heart-style@1")
    publisher.publish()

    await until_active(data, {})

    looking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await looking


async def test_a_repository_that_does_not_hold_ends_no_loop(data, monkeypatch, caplog):
    monkeypatch.setattr(own, "LOOK_SECONDS", 0.02)
    publisher = Publisher(data / "repository")
    publisher.brick(b"words")
    publisher.publish()
    publisher.sign("timestamp", by="stranger")
    Installed(data / "bricks").activate("heart-style@1")
    looking = asyncio.create_task(own.follow_own(data))
    async with asyncio.timeout(60):
        while "not signed by enough" not in caplog.text:  # noqa: ASYNC110 - it is a log
            await asyncio.sleep(0.02)
    publisher.revoke("heart-style@1")
    publisher.publish()

    await until_active(data, {})

    looking.cancel()
    await asyncio.gather(looking, return_exceptions=True)
