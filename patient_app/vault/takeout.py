"""What the vault holds about the person as FHIR resources: record, consents, questions, answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from compliance.access.takeout import as_page, collection
from compliance.consent import Consent
from patient_app.vault.vault import Vault

_STATES = {"withdrawn": "stopped"}


def bundle_of(vault: Vault, now: datetime | None = None) -> dict[str, Any]:
    """Everything about the person as a FHIR Bundle; private keys and maps stay.

    Args:
        vault: the person's own, open.
        now: the present; that of the clock when None.
    """
    record = [value for _, value in vault.items("record")]
    patient = next((r for r in record if r.get("resourceType") == "Patient"), None)
    who = f"Patient/{patient['id']}" if patient else "Patient/me"
    made = [] if patient else [{"resourceType": "Patient", "id": "me"}]
    consents = [Consent.model_validate(v).to_fhir(who) for _, v in vault.items("consent")]
    talks = [c for id_, v in vault.items("consult") for c in _consult(id_, v, who)]
    left = [_disclosure(id_, v, who) for id_, v in vault.items("ledger")]
    said = [_said(id_, v, who) for id_, v in vault.items("signal")]
    own = [value for _, value in vault.items("own-medicine")]
    visits = [value["response"] for _, value in vault.items("visit")]
    return collection([*made, *record, *own, *visits, *consents, *talks, *left, *said], now)


def page_of(vault: Vault, language: str = "en", now: datetime | None = None) -> str:
    """The same as one HTML file to read, in ``en`` or ``es``."""
    return as_page(bundle_of(vault, now), language)


def _consult(id_: str, kept: Mapping[str, Any], who: str) -> Iterator[dict[str, Any]]:
    """A question as a Communication of the person, and the answer as one to them."""
    asked, answer = str(kept.get("asked", "")), kept.get("answer") or {}
    sent = {"sent": asked} if asked else {}
    person = {"reference": who}
    common = {"resourceType": "Communication", "status": "completed", "subject": person, **sent}
    yield common | {
        "id": id_,
        "sender": person,
        "payload": [{"contentString": str(kept.get("question") or "?")}],
    }
    if answer.get("text"):
        yield common | {
            "id": f"{id_[:54]}-answer",
            "recipient": [person],
            "inResponseTo": [{"reference": f"Communication/{id_}"}],
            "payload": [{"contentString": str(answer["text"])}],
        }


def _said(consult: str, kept: Mapping[str, Any], who: str) -> dict[str, Any]:
    """What the person said of an answer."""
    words = ": ".join(str(kept[k]) for k in ("verdict", "note") if kept.get(k))
    return {
        "resourceType": "Communication",
        "id": f"{consult[:54]}-said",
        "status": "completed",
        "category": [{"text": "feedback"}],
        "subject": {"reference": who},
        "sender": {"reference": who},
        "inResponseTo": [{"reference": f"Communication/{consult[:54]}-answer"}],
        "sent": str(kept["given"]),
        "payload": [{"contentString": words}],
    }


def _disclosure(id_: str, kept: Mapping[str, Any], who: str) -> dict[str, Any]:
    """What left the device, as the receiver was given it."""
    state = str(kept.get("state", "completed"))
    text = str(kept.get("text") or kept.get("destination") or state)
    sent = {"sent": str(kept["time"])} if kept.get("time") else {}
    return {
        "resourceType": "Communication",
        "id": id_[:64],
        "status": _STATES.get(state, "completed"),
        "category": [{"text": "disclosure"}],
        "subject": {"reference": who},
        "payload": [{"contentString": text}],
        **sent,
    }
