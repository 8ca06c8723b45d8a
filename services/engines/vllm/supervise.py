"""Keeps a server running: starts it, looks whether it is well, starts it anew, ends it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets
import signal
import socket
import subprocess
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import IO

from services.engines.errors import EngineUnavailableError
from services.engines.vllm.command import server_command, server_environment
from services.engines.vllm.leash import GRACE_SECONDS
from services.engines.vllm.settings import VllmSettings

_log = logging.getLogger("caretier.engines.vllm")
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
"""Seconds before another start: twice as long each time it fails, within these."""
STEADY_SECONDS = 120.0
"""A server that ran so long counts as a good start; the next pause is the first again."""
LOOK_SECONDS = 0.25
"""Between two looks at a server that starts or ends."""
Look = Callable[[str, str], Awaitable[bool]]
"""Whether the server at an address, asked with its key, is well."""


class VllmServer:
    """A server of our own on a free port of this machine.

    It has a process group of its own and ends with this process, however that ends. Its key is
    drawn anew at every start, so that no other user of the machine can load or ask anything.

    Args:
        settings: how it runs.
        well: looks at it.

    Attributes:
        starts: how often it has become ready; what it was told before is forgotten at each.
        url: where it is, with ``/v1``; key: what it asks for.
        trouble: what keeps it, or kept it last, from being ready.
    """

    def __init__(self, settings: VllmSettings, well: Look) -> None:
        self._settings, self._well = settings, well
        self.starts = 0
        self.url = self.key = ""
        self.trouble = "it has not been started"
        self._ready = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def log(self) -> Path:
        """The file that it writes to; the one of the start before stands beside it."""
        return self._settings.folder / "vllm.log"

    @property
    def ready(self) -> bool:
        """Whether it can be asked now."""
        return self._ready.is_set()

    def start(self) -> None:
        """Begin to start it; `wait` waits until it is ready. A second call does nothing.

        Raises:
            EngineUnavailableError: vLLM or the model is not there.
        """
        if self._task is None:
            server_command(self._settings, 0)
            self._task = asyncio.create_task(self._keep())

    async def wait(self, seconds: float) -> None:
        """Wait until it is ready.

        Raises:
            EngineUnavailableError: it is not; the message says what keeps it.
        """
        try:
            async with asyncio.timeout(seconds):
                await self._ready.wait()
        except TimeoutError:
            raise EngineUnavailableError(
                f"vLLM is not ready: {self.trouble}.", remedy=f"Look at the end of {self.log}."
            ) from None

    async def stop(self) -> None:
        """End it with all that it started."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    async def _keep(self) -> None:
        pause = FIRST_PAUSE
        self.trouble = "it is starting"
        while True:
            began = time.monotonic()
            await self._run_once()
            pause = FIRST_PAUSE if time.monotonic() - began > STEADY_SECONDS else pause
            _log.warning("vLLM: %s; it is started again in %g s", self.trouble, pause)
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    async def _run_once(self) -> None:
        """Start it, and return when it is gone or was ended because it is not well."""
        port, self.key = _free_port(), secrets.token_urlsafe(32)
        self.url = f"http://127.0.0.1:{port}/v1"
        process = self._spawn(port)
        try:
            if await self._becomes_ready(process):
                self.starts += 1
                self._ready.set()
                await self._until_unwell(process)
        finally:
            self._ready.clear()
            await _end(process)

    def _spawn(self, port: int) -> subprocess.Popen[bytes]:
        command = server_command(self._settings, port)
        with self._fresh_log() as log:
            return subprocess.Popen(  # noqa: S603 - our own command
                command,
                env=server_environment(self._settings, self.key),
                stdin=subprocess.PIPE,  # the leash; never written to
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _fresh_log(self) -> IO[bytes]:
        self._settings.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with contextlib.suppress(FileNotFoundError):
            self.log.rename(self.log.with_suffix(".1.log"))
        descriptor = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        return os.fdopen(descriptor, "wb")

    async def _becomes_ready(self, process: subprocess.Popen[bytes]) -> bool:
        until = time.monotonic() + self._settings.start_seconds
        while time.monotonic() < until:
            if process.poll() is not None:
                self.trouble = f"it ended with status {process.returncode} before it was ready"
                return False
            if await self._well(self.url, self.key):
                return True
            await asyncio.sleep(LOOK_SECONDS)
        self.trouble = f"it was not ready after {self._settings.start_seconds:g} s"
        return False

    async def _until_unwell(self, process: subprocess.Popen[bytes]) -> None:
        misses, next_look = 0, 0.0
        while process.poll() is None:
            if time.monotonic() >= next_look:
                misses = 0 if await self._well(self.url, self.key) else misses + 1
                next_look = time.monotonic() + self._settings.beat_seconds
            if misses >= self._settings.misses:
                self.trouble = "it did not answer any more"
                return
            await asyncio.sleep(LOOK_SECONDS)
        self.trouble = f"it ended with status {process.returncode}"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def _end(process: subprocess.Popen[bytes]) -> None:
    """Let go of the leash, wait, and kill whatever is left of the process group."""
    if process.stdin is not None:
        process.stdin.close()
    try:
        with contextlib.suppress(subprocess.TimeoutExpired):
            await asyncio.to_thread(process.wait, GRACE_SECONDS + 5)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
