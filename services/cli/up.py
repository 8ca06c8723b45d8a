"""`caretier up`: hospital, worker, clinic and device on this machine, with a sandbox in them."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer
from rich.console import Console

from services.cli import sandbox
from services.cli.processes import (
    RESTART_PAUSE,
    Child,
    StartError,
    program,
    redis_child,
    require_free,
    wait_port,
    wait_ready,
)

app = typer.Typer(add_completion=False)
DEFAULT_DATA = Path("var")
BASE_URL = "CARETIER_HOSPITAL_BASE_URL"
"""Under which the outside knows the hospital; by default the address that `up` prints."""
RECORDS = "CARETIER_DEVICE_RECORDS"
"""Records that people may connect; by default the sandbox's hospital."""


class _Stack:
    """The processes of one deployment under one data folder."""

    def __init__(self, data: Path, console: Console, ports: tuple[int, int, int]) -> None:
        self.data, self.console = data.resolve(), console
        self.hospital, self.clinic, self.device = (f"http://127.0.0.1:{p}" for p in ports)
        self._ports = ports
        self.children: list[Child] = []
        self._environment = {
            "CARETIER_CLINIC_HOSPITAL_URL": self.hospital,
            BASE_URL: os.environ.get(BASE_URL) or self.hospital,
            "CARETIER_DEVICE_CLINIC_URL": self.clinic,
        }
        if RECORDS not in os.environ:  # the sandbox's hospital is a record that can be connected
            offered = f"Sandbox hospital|{self.hospital}/fhir|{sandbox.DEVICE}"
            self._environment |= {RECORDS: offered, f"{RECORDS}_PRIVATE": "true"}

    def run(self, *arguments: str, text: str | None = None) -> str:
        """Run a `caretier` command to its end; returns what it printed.

        Raises:
            StartError: with what it printed.
        """
        name, *rest = arguments
        done = subprocess.run(  # noqa: S603 - our own command
            [*program(), name, "--data", str(self.data), *rest],
            capture_output=True,
            text=True,
            input=text,
            env={**os.environ, **self._environment},
            check=False,
        )
        if done.returncode != 0:
            raise StartError(f"caretier {' '.join(arguments[:2])} failed: {done.stderr[-800:]}")
        return done.stdout

    def start(self, name: str, *options: str) -> Child:
        """Start one of our processes."""
        command = [*program(), name, "--data", str(self.data), *options]
        log = self.data / "logs" / f"{name}.log"
        child = Child(name, command, log, dict(self._environment))
        child.start()
        self.children.append(child)
        return child

    def queue(self) -> None:
        """Use the Redis that is configured, or start one, or say that there is none."""
        if os.environ.get("CARETIER_HOSPITAL_REDIS"):
            return
        found = redis_child(self.data)
        if found is None:
            self.console.print(
                "No redis-server on this machine: the hospital does its jobs in its own process."
                " Install Debian's redis-server for a worker."
            )
            return
        child, url = found
        child.start()
        self.children.append(child)
        wait_port(child, urlsplit(url).port or 0)
        self._environment["CARETIER_HOSPITAL_REDIS"] = url

    @property
    def has_queue(self) -> bool:
        """Whether there is a Redis."""
        return "CARETIER_HOSPITAL_REDIS" in {**os.environ, **self._environment}

    def seed_hospital(self) -> None:
        """Records and an account of each role, once."""
        folder = self.data / "sandbox"
        if (folder / "hospital.done").exists():
            return
        sandbox.write_records(folder)
        self.run("hospital", "load", str(folder / "records"))
        self.run("hospital", *sandbox.clinician_account(folder))
        self.run("hospital", *sandbox.privacy_account(folder))
        self.run("hospital", *sandbox.operator_account(folder))
        self.run("hospital", *sandbox.admin_account(folder))
        (folder / "hospital.done").touch()

    def seed_clients(self) -> None:
        """Programs that may ask for access, once."""
        folder = self.data / "sandbox"
        for arguments in (
            sandbox.backend_client(folder),
            sandbox.browser_client(),
            sandbox.device_client(self.device),
        ):
            done = folder / f"{arguments[arguments.index('--id') + 1]}.done"
            if not done.exists():
                self.run("hospital", *arguments)
                done.touch()

    def seed_links(self) -> None:
        """Enrol the clinic at the hospital and every person's device at the clinic, once."""
        folder = self.data / "sandbox"
        if (folder / "links.done").exists():
            return
        if not (self.data / "clinic" / "hospital.json").exists():
            code = self.run("hospital", "code").split()[-1]
            self.run("clinic", "enrol", code)
        sandbox.secret_file(self.data / "device" / "passphrase")
        files = sorted((folder / "people").glob("*.json"))
        codes = self.run("clinic", "code", "--count", str(len(files)))
        self.run("device", "sandbox", str(folder / "people"), text=codes)
        (folder / "links.done").touch()

    def bring_up(self) -> None:
        """Everything, in order; each step is shown, in a log too."""
        for name, port in zip(("hospital", "clinic", "device"), self._ports, strict=True):
            require_free(port, name)
        ports = [str(p) for p in self._ports]
        with self.console.status("Starting…") as status:

            def step(words: str) -> None:
                status.update(words)
                if not self.console.is_terminal:
                    self.console.print(words)

            step("Starting the queue…")
            self.queue()
            step("Preparing the hospital's sandbox records (a minute or two, once)…")
            self.seed_hospital()
            self.seed_clients()
            step("Starting hospital and clinic…")
            hospital = self.start("hospital", "--port", ports[0])
            clinic = self.start("clinic", "--port", ports[1])
            if self.has_queue:
                self.start("worker")
            wait_ready(hospital, self.hospital)
            wait_ready(clinic, self.clinic)
            step("Enrolling clinic and devices…")
            self.seed_links()
            step("Starting the device…")
            wait_ready(self.start("device", "--port", ports[2]), self.device)

    def watch(self) -> None:
        """Start again what ends, until interrupted."""
        while True:
            for child in self.children:
                if not child.alive():
                    self.console.print(f"The {child.name} ended; starting it again.")
                    time.sleep(RESTART_PAUSE)
                    child.start()
            time.sleep(0.5)

    def down(self) -> None:
        """Stop everything, last started first."""
        for child in reversed(self.children):
            child.stop()


def _interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


@app.command()
def up(
    data: Annotated[Path, typer.Option("--data", help="Folder of all state.")] = DEFAULT_DATA,
    hospital_port: Annotated[int, typer.Option(help="Port of the hospital.")] = 8000,
    clinic_port: Annotated[int, typer.Option(help="Port of the clinic.")] = 8100,
    device_port: Annotated[int, typer.Option(help="Port of the device.")] = 8200,
) -> None:
    """Start everything on this machine and print the addresses when ready; stop with Ctrl-C."""
    console = Console()
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, _interrupt)  # whoever stops us must not leave the processes behind
    began = time.monotonic()
    stack = _Stack(data, console, (hospital_port, clinic_port, device_port))
    try:
        stack.bring_up()
        secrets = stack.data / "sandbox" / "clinician-password"
        console.print(f"[bold]ready[/] in {time.monotonic() - began:.1f} s")
        console.print(
            f"  patient client    {stack.device}/"
            f"   passphrase in {stack.data / 'device' / 'passphrase'}"
        )
        console.print(
            f"  clinician portal  {stack.hospital}/portal/"
            f"   user {sandbox.CLINICIAN}, password in {secrets};"
            f" or user {sandbox.PRIVACY}, password in {secrets.with_name('privacy-password')};"
            f" or user {sandbox.OPERATOR}, password in {secrets.with_name('operator-password')};"
            f" or user {sandbox.ADMIN}, password in {secrets.with_name('admin-password')}"
        )
        console.print(
            f"  FHIR R4, SMART    {stack.hospital}/fhir"
            f"   programs {sandbox.BACKEND} (key in {secrets.with_name('demo-backend-key.json')})"
            f" and {sandbox.BROWSER} (pages at {sandbox.DEMO_APP})"
        )
        console.print(f"  logs              {stack.data / 'logs'}")
        stack.watch()
    except KeyboardInterrupt:
        console.print("stopping…")
    finally:
        stack.down()
