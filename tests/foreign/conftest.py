"""A hospital behind a real socket, with the sandbox's records, for clients that others wrote."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from support.served import served

from services.fhir.sandbox import generate
from services.hospital.app import create
from services.hospital.service import Hospital
from services.hospital.settings import HospitalSettings

NODE_MODULES = Path(__file__).parents[2] / ".venv" / "node" / "node_modules"
SCRIPT_SECONDS = 60


@dataclass(frozen=True)
class Served:
    """A hospital with its address, ``http://127.0.0.1:port``."""

    hospital: Hospital
    address: str

    @property
    def fhir(self) -> str:
        """Base of its FHIR API."""
        return f"{self.address}/fhir"

    def key(self, scopes: str, patient: str | None = None) -> str:
        """A new API key."""
        return self.hospital.accounts.new_key("foreign client", scopes, patient=patient)

    def backend(self, name: str, keys: dict[str, Any], scopes: str) -> str:
        """Id of a new client of Backend Services with these public keys."""
        clients = self.hospital.smart.clients
        client, _ = clients.add(name, "asymmetric", scopes, jwks=json.dumps(keys))
        return client.id


@pytest.fixture(scope="module")
def here(tmp_path_factory, node_of):
    made: dict[str, Hospital] = {}

    def make(address: str):
        folder = tmp_path_factory.mktemp("foreign") / "hospital"
        settings = HospitalSettings(data=folder, base_url=address)
        made["it"] = Hospital(settings, node_of("hospital"))
        made["it"].records.put_many(generate())
        return create(settings, made["it"])

    with served(make) as address:
        yield Served(made["it"], address)


@pytest.fixture
def node_script() -> Callable[..., Any]:
    """Runs a script of this folder under Node.js; what it prints last is JSON."""

    def run(name: str, *arguments: str) -> Any:
        command = ["node", str(Path(__file__).parent / name), *arguments]
        environment = {"CARETIER_NODE_MODULES": str(NODE_MODULES), "PATH": "/usr/bin:/bin"}
        done = subprocess.run(
            command,
            check=False,
            capture_output=True,
            text=True,
            timeout=SCRIPT_SECONDS,
            env=environment,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    return run
