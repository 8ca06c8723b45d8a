"""The sandbox of `caretier up`: synthetic records, an account for the portal, people on the device.

Everything is made once and kept under the data folder; the secrets are random, in files that only
the user can read.
"""

from __future__ import annotations

import json
import os
import secrets
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from services.fhir.sandbox import generate, people
from services.fhir.store import FhirStore
from services.store.database import Database

CLINICIAN = "clinician"
CLINICIAN_NAME = "Sandbox clinician"
PRIVACY = "privacy"
PRIVACY_NAME = "Sandbox privacy officer"
OPERATOR = "operator"
OPERATOR_NAME = "Sandbox operator"
ADMIN = "admin"
ADMIN_NAME = "Sandbox administrator"
BACKEND, BROWSER, DEVICE = "demo-backend", "demo-app", "patients-device"
"""Ids of programs: two that an integrator can try at once, and the patients' device."""
DEMO_APP = "http://127.0.0.1:9000"
"""Where a browser app may be served from, to be tried."""


def write_records(folder: Path) -> None:
    """Write ``records/<type>.ndjson`` for the hospital and ``people/<id>.json`` for the device."""
    resources = generate(today=datetime.now(UTC).date())
    (folder / "records").mkdir(parents=True, exist_ok=True)
    (folder / "people").mkdir(exist_ok=True)
    by_type: dict[str, list[str]] = {}
    for resource in resources:
        by_type.setdefault(resource["resourceType"], []).append(json.dumps(resource))
    for kind, lines in by_type.items():
        target = folder / "records" / f"{kind}.ndjson"
        target.write_text("\n".join(lines) + "\n", encoding="utf-8")
    database = Database("sqlite:///:memory:")
    try:
        database.migrate("services.fhir")
        store = FhirStore(database)
        store.put_many(resources)
        for person in people():
            entries = [{"resource": r} for r in store.everything(person)]
            bundle = {"resourceType": "Bundle", "type": "collection", "entry": entries}
            (folder / "people" / f"{person}.json").write_text(json.dumps(bundle), encoding="utf-8")
    finally:
        database.close()


def practitioners() -> tuple[str, ...]:
    """Every practitioner of the sandbox: its clinician stands for all, and so treats everybody."""
    made = generate()
    staff = (r["id"] for r in made if r["resourceType"] == "Practitioner")
    return tuple(f"Practitioner/{id_}" for id_ in staff)


def clinician_account(folder: Path) -> tuple[str, ...]:
    """Arguments of ``caretier hospital`` that make the clinician's account."""
    secret = secret_file(folder / "clinician-password")
    return (
        *("user", CLINICIAN, "--name", CLINICIAN_NAME, "--password-file", str(secret)),
        *("--acts-as", " ".join(practitioners())),
    )


def privacy_account(folder: Path) -> tuple[str, ...]:
    """Arguments of ``caretier hospital`` that make the privacy officer's account."""
    return _account(folder, PRIVACY, PRIVACY_NAME, "privacy")


def operator_account(folder: Path) -> tuple[str, ...]:
    """Arguments of ``caretier hospital`` that make the operator's account."""
    return _account(folder, OPERATOR, OPERATOR_NAME, "operator")


def admin_account(folder: Path) -> tuple[str, ...]:
    """Arguments of ``caretier hospital`` that make the administrator's account."""
    return _account(folder, ADMIN, ADMIN_NAME, "admin")


def _account(folder: Path, name: str, shown: str, role: str) -> tuple[str, ...]:
    secret = secret_file(folder / f"{name}-password")
    return ("user", name, "--name", shown, "--role", role, "--password-file", str(secret))


def backend_client(folder: Path) -> tuple[str, ...]:
    """Arguments of ``caretier hospital`` that register a program for Backend Services."""
    keys = key_pair(folder / f"{BACKEND}-key.json", folder / f"{BACKEND}-jwks.json")
    return (
        *("client", "add", "Demo program", "system/*.cruds", "--id", BACKEND),
        *("--jwks", str(keys)),
    )


def browser_client() -> tuple[str, ...]:
    """Arguments of ``caretier hospital`` that register a browser app on this machine."""
    return (
        *("client", "add", "Demo app", "patient/*.cruds user/*.cruds offline_access"),
        *("--id", BROWSER, "--public", "--origin", DEMO_APP),
        *("--redirect", f"{DEMO_APP}/", "--redirect", f"{DEMO_APP}/back"),
        *("--launch", f"{DEMO_APP}/launch"),
    )


def device_client(address: str) -> tuple[str, ...]:
    """Arguments of ``caretier hospital`` that register the patients' device at ``address``."""
    may = "patient/*.rs patient/QuestionnaireResponse.c patient/QuestionnaireResponse.u"
    return (
        *("client", "add", "Patients' device", f"{may} offline_access"),
        *("--id", DEVICE, "--public", "--redirect", f"{address}/record/back"),
    )


def key_pair(private: Path, public: Path) -> Path:
    """Make a key pair (ES384) as JSON where there is none; returns the path of the public set."""
    if not public.is_file():
        key = ec.generate_private_key(ec.SECP384R1())
        named = {"kid": "demo", "alg": "ES384", "use": "sig"}
        described = ECAlgorithm.to_jwk(key, as_dict=True) | named
        shown = {name: value for name, value in described.items() if name not in {"d", "key_ops"}}
        _write_private(private, json.dumps(described))
        public.write_text(json.dumps({"keys": [shown]}), encoding="utf-8")
    return public


def secret_file(path: Path) -> Path:
    """Make a file with a random secret (mode 0600) where there is none; returns the path."""
    if not path.is_file():
        _write_private(path, secrets.token_urlsafe(18) + "\n")
    return path


def _write_private(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
