"""Start, watch and stop the processes of `caretier up`, each by its own process id."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from compliance.errors import CaretierError

READY_SECONDS = 120.0
STOP_SECONDS = 10.0
RESTART_PAUSE = 1.0


class StartError(CaretierError):
    """A process did not come up."""

    kind = "start-failed"
    exit_code = 60
    remedy = "Look at the end of its log, named above; `caretier doctor` checks the machine."


def program() -> list[str]:
    """How to start `caretier` again."""
    return [sys.executable, "-m", "services.cli"]


@dataclass
class Child:
    """One process: its name, command and log, and the process while it runs."""

    name: str
    command: list[str]
    log: Path
    environment: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it with its output in the log, in a process group of its own."""
        self.log.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(  # noqa: S603 - our own command
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                umask=0o077,  # all that a node writes is its user's alone
                env={**os.environ, **self.environment},
                start_new_session=True,
            )

    def alive(self) -> bool:
        """Whether it runs."""
        return self.process is not None and self.process.poll() is None

    def stop(self) -> None:
        """End it and what it started: politely, then for certain."""
        if self.process is None:
            return
        for sign in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.process.pid, sign)
                self.process.wait(STOP_SECONDS)
            except ProcessLookupError:
                return
            except subprocess.TimeoutExpired:
                continue
            else:
                return


def wait_ready(child: Child, url: str) -> None:
    """Wait until ``/readyz`` answers.

    Raises:
        StartError: the process ended, or was not ready in READY_SECONDS.
    """
    deadline = time.monotonic() + READY_SECONDS
    with httpx.Client(trust_env=False, timeout=2.0) as client:
        while time.monotonic() < deadline:
            if not child.alive():
                break
            try:
                if client.get(f"{url}/readyz").is_success:
                    return
            except httpx.HTTPError:
                pass
            time.sleep(0.1)
    tail = child.log.read_text(errors="replace")[-1500:] if child.log.is_file() else ""
    raise StartError(f"The {child.name} did not become ready. Log {child.log}:\n{tail}")


def require_free(port: int, name: str) -> None:
    """Make sure that nothing listens on a loopback port: another server would answer for ours.

    Raises:
        StartError: something does.
    """
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            raise StartError(
                f"Something listens on port {port} already, where the {name} belongs.",
                remedy=f"Stop it, or choose another port: --{name}-port.",
            )


def free_port(wanted: int) -> int:
    """The wanted port where it is free, else any free one on loopback."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    return wanted


def redis_child(data: Path) -> tuple[Child, str] | None:
    """A Redis of our own on loopback with a password, or None where it is not installed."""
    found = shutil.which("redis-server")
    if found is None:
        return None
    from services.cli.sandbox import secret_file

    folder = data / "redis"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    password = secret_file(folder / "password").read_text(encoding="utf-8").strip()
    port = free_port(6399)
    settings = folder / "redis.conf"
    settings.touch(mode=0o600)
    settings.write_text(
        f"bind 127.0.0.1\nport {port}\nrequirepass {password}\ndir {folder.resolve()}\n"
        "appendonly yes\nmaxmemory-policy noeviction\nsave ''\n".replace("save ''", 'save ""'),
        encoding="utf-8",
    )
    child = Child("redis", [found, str(settings)], data / "logs" / "redis.log")
    return child, f"redis://:{password}@127.0.0.1:{port}/0"


def wait_port(child: Child, port: int) -> None:
    """Wait until something listens on a loopback port."""
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline and child.alive():
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise StartError(f"The {child.name} did not listen. Log {child.log}.")
