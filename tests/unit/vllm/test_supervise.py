"""A server that is kept running, here a stand-in for vLLM's program."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import httpx
import psutil
import pytest
import pytest_asyncio

from services.engines.errors import EngineUnavailableError
from services.engines.vllm import VllmEngine, VllmSettings, supervise
from services.engines.vllm.client import ServerCalls
from services.engines.vllm.supervise import VllmServer

PROGRAM = Path(__file__).parents[2] / "support" / "fake_vllm_program.py"


@pytest.fixture
def settings(tmp_path, monkeypatch) -> VllmSettings:
    """Settings whose Python runs the stand-in whatever module it is given."""
    monkeypatch.setenv("FAKE_VLLM", str(tmp_path))
    monkeypatch.setattr(supervise, "FIRST_PAUSE", 0.05)
    monkeypatch.setattr(supervise, "LOOK_SECONDS", 0.02)
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} {PROGRAM} "$@"\n')
    python.chmod(0o755)
    (tmp_path / "config.json").write_text("{}")
    folder = tmp_path / "run"
    return VllmSettings(
        python=python, model=tmp_path, folder=folder, beat_seconds=0.05, misses=2, start_seconds=20
    )


@pytest_asyncio.fixture
async def server(settings):
    async with httpx.AsyncClient(trust_env=False) as client:
        server = VllmServer(settings, ServerCalls(client).well)
        yield server
        await server.stop()


def starts(tmp_path: Path) -> list[dict]:
    file = tmp_path / "starts"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


async def until(condition) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - of no event
            await asyncio.sleep(0.02)


async def test_a_started_server_is_ready_when_it_says_that_it_is_well(server):
    server.start()
    await server.wait(20)
    assert server.ready
    assert server.starts == 1
    assert (await asyncio.to_thread(httpx.get, server.url.replace("/v1", "/health"))).is_success


async def test_its_log_is_for_us_alone_and_the_one_before_is_kept(server, tmp_path):
    server.start()
    await server.wait(20)
    await server.stop()
    server.start()
    await server.wait(20)
    assert stat.S_IMODE(server.log.stat().st_mode) == 0o600
    assert "the program speaks" in server.log.with_suffix(".1.log").read_text()


async def test_it_is_given_a_key_and_none_of_our_settings(server, tmp_path, monkeypatch):
    monkeypatch.setenv("CARETIER_HOSPITAL_SECRET", "ours")
    server.start()
    await server.wait(20)
    (told,) = starts(tmp_path)
    assert told["environment"]["VLLM_API_KEY"] == server.key
    assert server.key not in " ".join(told["words"])
    assert not [name for name in told["environment"] if name.startswith("CARETIER_")]


async def test_one_that_dies_is_started_again_under_another_key(server, tmp_path):
    server.start()
    await server.wait(20)
    key = server.key
    os.kill(starts(tmp_path)[0]["pids"][0], signal.SIGKILL)
    await until(lambda: server.starts == 2)
    assert server.key != key
    await until(lambda: not any(alive(pid) for pid in starts(tmp_path)[0]["pids"]))


async def test_one_that_is_not_well_any_more_is_started_again(server, tmp_path):
    server.start()
    await server.wait(20)
    (tmp_path / "unwell").touch()
    await until(lambda: not server.ready)
    assert "did not answer" in server.trouble
    (tmp_path / "unwell").unlink()
    await until(lambda: server.starts == 2)


async def test_one_that_cannot_start_says_why_and_is_tried_ever_more_rarely(
    server, tmp_path, caplog
):
    (tmp_path / "broken").touch()
    server.start()
    await until(lambda: len(caplog.records) == 3)
    with pytest.raises(EngineUnavailableError, match="status 3") as raised:
        await server.wait(0)
    assert str(server.log) in raised.value.advice
    assert [record.args[1] for record in caplog.records] == [0.05, 0.1, 0.2]


async def test_stopping_ends_all_that_it_started(server, tmp_path):
    server.start()
    await server.wait(20)
    await server.stop()
    await until(lambda: not any(alive(pid) for pid in starts(tmp_path)[0]["pids"]))
    assert not server.ready


async def test_stopping_while_it_starts_ends_it_too(server, tmp_path):
    (tmp_path / "unwell").touch()
    server.start()
    await until(lambda: starts(tmp_path))
    await server.stop()
    await until(lambda: not any(alive(pid) for pid in starts(tmp_path)[0]["pids"]))


@pytest.mark.parametrize("missing", ["python", "config.json"])
async def test_what_is_not_there_is_said_before_anything_is_started(server, tmp_path, missing):
    (tmp_path / missing).unlink()
    with pytest.raises(EngineUnavailableError, match=r"not there|no model"):
        server.start()


async def test_a_request_does_not_wait_for_a_server_that_does_not_come(settings, tmp_path):
    (tmp_path / "unwell").touch()
    engine = VllmEngine(settings)
    with pytest.raises(EngineUnavailableError, match="it is starting"):
        async with engine.lease():
            pass
    await engine.close()


PARENT = """
import asyncio, sys, httpx
from pathlib import Path
from services.engines.vllm import VllmSettings
from services.engines.vllm.client import ServerCalls
from services.engines.vllm.supervise import VllmServer

async def main(folder: Path) -> None:
    settings = VllmSettings(python=folder / "python", model=folder, folder=folder / "run")
    async with httpx.AsyncClient(trust_env=False) as client:
        server = VllmServer(settings, ServerCalls(client).well)
        server.start()
        await server.wait(20)
        print("ready", flush=True)
        await asyncio.sleep(60)

asyncio.run(main(Path(sys.argv[1])))
"""


async def test_it_ends_with_a_parent_that_is_killed(settings, tmp_path):
    with subprocess.Popen(  # noqa: ASYNC220 - it takes no time
        [sys.executable, "-c", PARENT, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        assert await asyncio.to_thread(parent.stdout.readline) == "ready\n"
        parent.kill()
    await until(lambda: not any(alive(pid) for pid in starts(tmp_path)[0]["pids"]))
