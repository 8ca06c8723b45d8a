"""A whole deployment for tests: real Redis, hospital, worker, clinic and device on loopback.

    stack = shared_stack()                     # one a test process, started on first use
    answer = stack.patient("p01").ask("What are the signs of asthma?")
    stack.kill("clinic"); stack.start("clinic")

The processes are those of `caretier up`, made by its own code; here they are killed and started by
name. A few sandbox people are enough, so the others are left out. Everything lies in a temporary
folder and ends with the test process.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import io
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console

from services.cli import sandbox
from services.cli.processes import Child, wait_ready
from services.cli.up import _Stack as Deployment

ROOT = Path(__file__).resolve().parents[2]
PEOPLE = ("p01", "p02", "p03")
"""Sandbox people that get a vault; p01 takes metformin."""
WAIT_SECONDS = 90.0
FORGOTTEN = ("CARETIER_HOSPITAL_", "CARETIER_CLINIC_", "CARETIER_DEVICE_")
"""Settings of the surroundings that must not reach the processes of a test."""


def free_ports(count: int) -> list[int]:
    """Ports on loopback that nothing listens on now."""
    with contextlib.ExitStack() as open_sockets:
        probes = [open_sockets.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]


def eventually(
    probe: Callable[[], Any], *, seconds: float = WAIT_SECONDS, pause: float = 0.2
) -> Any:
    """Return the first true value of a probe.

    Raises:
        AssertionError: there was none in time; says what the probe gave last.
    """
    deadline = time.monotonic() + seconds
    while not (found := probe()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not in {seconds:.0f} s; last seen: {found!r}")
        time.sleep(pause)
    return found


class _FewPeople(Deployment):
    """The deployment of `caretier up` with some of its people and their records only."""

    def seed_hospital(self) -> None:
        """Records of a few people and an account, once."""
        folder = self.data / "sandbox"
        if (folder / "hospital.done").exists():
            return
        sandbox.write_records(folder)
        for file in (folder / "people").glob("*.json"):
            if file.stem not in PEOPLE:
                file.unlink()
        self.run("hospital", "load", str(folder / "people"))
        self.run("hospital", *sandbox.clinician_account(folder))
        (folder / "hospital.done").touch()


@dataclass(frozen=True)
class Patient:
    """One person's line to the device, by the device's token."""

    base_url: str
    token: str
    person: str

    def client(self, seconds: float = 30.0) -> httpx.Client:
        """An HTTP client that speaks for the person."""
        headers = {"authorization": f"Bearer {self.token}", "x-caretier-person": self.person}
        return httpx.Client(
            base_url=self.base_url, headers=headers, timeout=seconds, trust_env=False
        )

    def ask(self, text: str, **more: Any) -> dict[str, Any]:
        """Ask; the answer object, or the problem document."""
        with self.client() as client:
            reply = client.post("/api/ask", json={"text": text, **more})
        reply.raise_for_status()
        last = reply.text.strip().split("\n\n")[-1]
        found: dict[str, Any] = json.loads(last.split("data: ", 1)[1])
        return found

    def send(self, answer: dict[str, Any]) -> dict[str, Any]:
        """Let the offer of an answer leave."""
        with self.client() as client:
            reply = client.post(f"/api/send/{answer['offer']['preview_id']}", json={})
        reply.raise_for_status()
        sent: dict[str, Any] = reply.json()
        return sent

    def refer(self, text: str) -> str:
        """Ask and let it leave; the id of the consult."""
        return str(self.send(self.ask(text))["id"])

    def get(self, path: str) -> dict[str, Any]:
        """GET below ``/api``."""
        with self.client() as client:
            reply = client.get(f"/api/{path}")
        reply.raise_for_status()
        body: dict[str, Any] = reply.json()
        return body

    def answer(self, consult: str) -> dict[str, Any]:
        """A consult's answer as it stands now."""
        found: dict[str, Any] = self.get(f"consults/{consult}")["answer"]
        return found

    def wait(self, consult: str, *states: str, seconds: float = WAIT_SECONDS) -> dict[str, Any]:
        """Wait until a consult has one of the states; its answer then."""

        def there() -> dict[str, Any] | None:
            answer = self.answer(consult)
            return answer if answer["status"] in states else None

        found: dict[str, Any] = eventually(there, seconds=seconds)
        return found


class Clinician:
    """The portal's account, signed in over HTTP."""

    def __init__(self, base_url: str, password: str) -> None:
        self.client = httpx.Client(base_url=base_url, timeout=30, trust_env=False)
        form = {"user": "clinician", "password": password}
        reply = self.client.post(
            "/portal/sign-in",
            data=form,
            headers={"origin": base_url, "sec-fetch-site": "same-origin"},
        )
        assert reply.status_code == 303, reply.text
        self._origin = base_url

    def sign(self, referral: str, text: str) -> None:
        """Sign a reply."""
        page = self.client.get(f"/portal/referrals/{referral}").text
        fields = {
            name: page.split(f'name="{name}"', 1)[1].split('value="', 1)[1].split('"', 1)[0]
            for name in ("csrf", "version")
        }
        reply = self.client.post(
            f"/portal/referrals/{referral}/sign",
            data={**fields, "text": text},
            headers={"origin": self._origin, "sec-fetch-site": "same-origin"},
        )
        assert reply.status_code == 303, reply.text[:2000]

    def close(self) -> None:
        """Close the connections."""
        self.client.close()


class Stack:
    """One deployment under one folder; see the module."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = (folder / "data").resolve()
        ports = free_ports(3)
        console = Console(file=io.StringIO())
        self.deployment = _FewPeople(self.data, console, (ports[0], ports[1], ports[2]))
        self.deployment._environment["CARETIER_ANCHORS"] = str(folder / "anchors")
        self.hospital, self.clinic = self.deployment.hospital, self.deployment.clinic
        self.device = self.deployment.device

    @property
    def environment(self) -> dict[str, str]:
        """Environment of every process of this stack."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(FORGOTTEN)}
        return {**kept, **self.deployment._environment}

    def up(self) -> None:
        """Start everything and wait until it is ready."""
        self.deployment.bring_up()

    def down(self) -> None:
        """Stop everything."""
        self.deployment.down()

    def child(self, name: str) -> Child:
        """A process by its name."""
        return next(c for c in self.deployment.children if c.name == name)

    def kill(self, name: str) -> None:
        """``kill -9`` a process and what it started."""
        process = self.child(name).process
        assert process is not None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)

    def start(self, name: str, *, ready: bool = True) -> None:
        """Start a process that was killed; ``ready`` waits for its ``/readyz``."""
        child = self.child(name)
        if not child.alive():
            child.start()
        url = {"hospital": self.hospital, "clinic": self.clinic, "device": self.device}.get(name)
        if ready and url is not None:
            wait_ready(child, url)

    @contextlib.contextmanager
    def without(self, *names: str) -> Iterator[None]:
        """Kill processes for the block and start them again after it."""
        for name in names:
            self.kill(name)
        try:
            yield
        finally:
            for name in names:
                self.start(name)

    def ready(self, name: str) -> bool:
        """Whether a process with an address is ready now."""
        url = {"hospital": self.hospital, "clinic": self.clinic, "device": self.device}[name]
        try:
            return httpx.get(f"{url}/readyz", timeout=2, trust_env=False).is_success
        except httpx.HTTPError:
            return False

    def patient(self, person: str = "p01") -> Patient:
        """A person's line to the device."""
        token = (self.data / "device" / "token").read_text(encoding="utf-8").strip()
        return Patient(self.device, token, person)

    @property
    def password(self) -> str:
        """The clinician's password."""
        path = self.data / "sandbox" / "clinician-password"
        return path.read_text(encoding="utf-8").strip()

    def clinician(self) -> Clinician:
        """Sign in at the portal."""
        return Clinician(self.hospital, self.password)

    def record(self, person: str = "p01") -> dict[str, list[dict[str, Any]]]:
        """A person's sandbox record by resource type."""
        path = self.data / "sandbox" / "people" / f"{person}.json"
        found: dict[str, list[dict[str, Any]]] = {}
        for entry in json.loads(path.read_text(encoding="utf-8"))["entry"]:
            found.setdefault(entry["resource"]["resourceType"], []).append(entry["resource"])
        return found

    def rows(self, node: str, query: str, *values: str) -> list[tuple[Any, ...]]:
        """Rows of a node's database (``hospital`` or ``clinic``)."""
        path = self.data / node / f"{node}.db"
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
            return database.execute(query, values).fetchall()

    def logs(self) -> str:
        """Everything that all processes wrote."""
        files = sorted((self.data / "logs").glob("*.log"))
        return "\n".join(f.read_text(encoding="utf-8", errors="replace") for f in files)

    def run(
        self, *arguments: str, text: str | bytes | None = None, seconds: float = 120, **more: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a `caretier` command to its end; ``more`` is added to its environment."""
        given = text.encode() if isinstance(text, str) else text
        done = subprocess.run(
            [sys.executable, "-m", "services.cli", *arguments],
            input=given if given is not None else b"",
            capture_output=True,
            check=False,
            cwd=ROOT,
            env={**self.environment, **more},
            timeout=seconds,
        )
        return subprocess.CompletedProcess(
            done.args, done.returncode, done.stdout.decode(), done.stderr.decode()
        )


_ends: list[Callable[[], None]] = []


@atexit.register
def end_shared_stack() -> None:
    """Stop the stack of this test process, if there is one; who asks for it later gets another."""
    shared_stack.cache_clear()
    while _ends:
        _ends.pop()()


@functools.cache
def shared_stack() -> Stack:
    """The stack of this test process; it ends with the process, or before by `end_shared_stack`.

    ``CARETIER_STACK`` names a folder that is kept, so that the next run has nothing to seed.
    """
    kept = os.environ.get("CARETIER_STACK")
    folder = Path(kept) if kept else Path(tempfile.mkdtemp(prefix="caretier-stack-"))
    stack = Stack(folder)

    def end() -> None:
        stack.down()
        if not kept:
            shutil.rmtree(folder, ignore_errors=True)

    _ends.append(end)
    for name in [n for n in os.environ if n.startswith(FORGOTTEN)]:
        del os.environ[name]
    stack.up()
    return stack
