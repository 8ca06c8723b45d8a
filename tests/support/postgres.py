"""A real PostgreSQL for tests: made in a temporary folder, run on loopback, gone afterwards.

    with temporary_postgres() as url:            # postgresql+psycopg://caretier@127.0.0.1:…/caretier
        Database(url).migrate("services.fhir")

PostgreSQL refuses to run as root, so as root the server runs as the account ``postgres``.
"""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

START_SECONDS = 60.0
"""How long the server may take until it accepts connections."""


def postgres_binaries() -> Path | None:
    """Return the folder with ``initdb`` and ``postgres``, the newest version first, or None."""
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return installed[-1].parent if installed else None


def _account() -> dict[str, Any]:
    if os.geteuid() != 0:
        return {}
    account = pwd.getpwnam("postgres")
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(binaries: Path, port: int, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    ready = [str(binaries / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(port)]
    while subprocess.run(ready, check=False).returncode != 0:
        if server.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError("PostgreSQL did not start")
        time.sleep(0.1)


@contextmanager
def temporary_postgres() -> Iterator[str]:
    """Yield the SQLAlchemy URL of an empty database; stop the server and remove it at the end.

    Raises:
        RuntimeError: PostgreSQL is not installed here, or did not start.
    """
    binaries = postgres_binaries()
    if binaries is None:
        raise RuntimeError("PostgreSQL is not installed")
    account = _account()
    folder = Path(tempfile.mkdtemp(prefix="caretier-postgres-"))
    if account:
        os.chown(folder, account["user"], account["group"])
    quiet: dict[str, Any] = {"cwd": folder, "stdout": subprocess.DEVNULL, **account}
    data, port = folder / "data", _free_port()
    initdb = [str(binaries / "initdb"), "-D", str(data), "-U", "caretier", "-A", "trust"]
    try:
        subprocess.run(
            [*initdb, "-E", "UTF8", "--locale=C", "--no-sync"],
            check=True,
            stderr=subprocess.DEVNULL,
            **quiet,
        )
        options = ["-h", "127.0.0.1", "-p", str(port), "-k", str(folder), "-F"]
        log = (folder / "log").open("wb")
        server = subprocess.Popen(
            [str(binaries / "postgres"), "-D", str(data), *options], stderr=log, **quiet
        )
        try:
            _wait(binaries, port, server)
            create = ["-h", "127.0.0.1", "-p", str(port), "-U", "caretier", "caretier"]
            subprocess.run([str(binaries / "createdb"), *create], check=True, **quiet)
            yield f"postgresql+psycopg://caretier@127.0.0.1:{port}/caretier"
        finally:
            server.terminate()
            server.wait(START_SECONDS)
            log.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
