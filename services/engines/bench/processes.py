"""Processes that are measured: started, waited for, asked for their processor time, ended."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import httpx
import psutil

from services.engines.errors import EngineUnavailableError

START_SECONDS = 240.0
STOP_SECONDS = 20.0


def free_port() -> int:
    """A port of this machine that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def running(
    name: str,
    command: Sequence[str],
    ready: str,
    folder: Path,
    environment: Mapping[str, str] | None = None,
) -> Iterator[psutil.Process]:
    """Run a program in a process group of its own as long as this lasts.

    Args:
        name: of its log.
        command: the program.
        ready: address that answers with any status below 500 when it can be used.
        folder: for its log.
        environment: besides ours.

    Raises:
        EngineUnavailableError: it does not get ready.
    """
    log = folder / f"{name}.log"
    with log.open("wb") as file:
        process = subprocess.Popen(  # noqa: S603 - the bench's own commands
            command,
            env={**os.environ, **(environment or {})},
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        _wait(name, process, ready, log)
        yield psutil.Process(process.pid)
    finally:
        _stop(process)


def _wait(name: str, process: subprocess.Popen[bytes], ready: str, log: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < until:
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(ready, timeout=5, trust_env=False).status_code < 500:  # noqa: PLR2004
                return
        time.sleep(0.2)
    end = log.read_text(errors="replace")[-600:]
    raise EngineUnavailableError(f"{name} does not start: {end}", remedy="Run it by itself.")


def _stop(process: subprocess.Popen[bytes]) -> None:
    for sign in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, sign)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(STOP_SECONDS)


def processor_seconds(process: psutil.Process) -> float:
    """What a process and all below it have used, user and system, in seconds."""
    total = 0.0
    for one in [process, *process.children(recursive=True)]:
        with contextlib.suppress(psutil.NoSuchProcess):
            times = one.cpu_times()
            total += times.user + times.system
    return total
