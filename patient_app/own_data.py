"""A person's own data at their device: taken along, erased, and the recovery text of the vault.

Each is on the audit trail, under a pseudonym, before it happens; what cannot be written down is
not done.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import uuid4

from compliance.audit import AuditTrail, acts
from compliance.errors import BadInputError
from compliance.sealing.encoding import canonical_json, to_text
from compliance.sealing.identity import signed_bytes
from patient_app.member import Member
from patient_app.newcomers import check_passphrase
from patient_app.vault import Vault, WrongPassphraseError
from patient_app.vault.takeout import bundle_of, page_of

Form = Literal["fhir", "html", "vault"]
"""A FHIR R4 Bundle, the same as a page to read, or the vault's own rows with the settings."""
ERASURE = "caretier/vault-erasure/v1"
"""Purpose of the signature under a receipt of erasure."""
KEYED_KINDS = frozenset({"keys", "outbox", "preview", "connection"})
"""Kinds of the vault that hold private keys or tokens; what was asked and sent is in others too."""


@dataclass(frozen=True)
class Takeout:
    """A file for the person: its text, media type and name."""

    text: str
    media_type: str
    name: str


def export(audit: AuditTrail, member: Member, form: Form) -> Takeout:
    """Everything that is kept about the person; private keys stay.

    Raises:
        AuditError: it could not be written down; nothing was given out.
    """
    audit.record(
        acts.export(by_person(member), pseudonym(member), what=f"export:{uuid4()}", form=form)
    )
    if form == "html":
        page = page_of(member.vault, member.profile["language"])
        return Takeout(page, "text/html", "caretier-export.html")
    if form == "vault":
        whole = member.vault.export()
        kinds = {kind: rows for kind, rows in whole["kinds"].items() if kind not in KEYED_KINDS}
        text = json.dumps({**whole, "kinds": kinds}, ensure_ascii=False)
        return Takeout(text, "application/json", "caretier-vault.json")
    bundle = json.dumps(bundle_of(member.vault), ensure_ascii=False)
    return Takeout(bundle, "application/fhir+json", "caretier-export.fhir.json")


def recovery_text(audit: AuditTrail, member: Member) -> str:
    """What opens the vault on another device, together with the passphrase.

    Raises:
        AuditError: it could not be written down; nothing was given out.
        VaultOuterKeyMissingError: it is not on this device any more.
    """
    what = f"recovery-text:{member.vault.id}"
    audit.record(acts.export(by_person(member), pseudonym(member), what=what))
    return member.vault.recovery_text()


def change_passphrase(
    audit: AuditTrail,
    member: Member,
    now: str,
    new: str,
    *,
    name: str,
    tried: AbstractContextManager[None],
) -> None:
    """Give the vault another passphrase.

    Args:
        audit: of this device.
        member: whose vault.
        now: the passphrase that opens it.
        new: the one that is to open it.
        name: what the list of people calls them.
        tried: counts a look at ``now`` (`patient_app.tries`).

    Raises:
        BadInputError: ``now`` does not open the vault, or ``new`` is easily guessed.
        AuditError: it could not be written down; nothing was changed.
        TooManyTriesError: there were too many wrong ones of late.
    """
    check_passphrase(new, new, name)
    require_passphrase(member, now, tried)
    person = pseudonym(member)
    audit.record(acts.account(by_person(member), person, change="passphrase"))
    member.vault.change_passphrase(now, new)


def require_passphrase(member: Member, now: str, tried: AbstractContextManager[None]) -> None:
    """Return if somebody whose record is open knows its passphrase; ``tried`` counts the look.

    Raises:
        BadInputError: ``now`` does not open the vault.
        TooManyTriesError: there were too many wrong ones of late.
    """
    try:
        with tried:
            Vault.open(member.vault.folder, now).close()
    except WrongPassphraseError:
        raise BadInputError(
            "That is not the passphrase that opens this record now.",
            remedy="Type the one that you have used so far.",
        ) from None


def erase(audit: AuditTrail, member: Member, forget: Callable[[], None]) -> dict[str, Any]:
    """Destroy the vault's keys, then its files; there is no way back.

    Args:
        audit: of this device.
        member: whose vault.
        forget: called once the erasure is written down: nobody speaks for the person any more.

    Returns:
        The receipt, signed with the key that signed the person's disclosures and is gone now:
        ``audit`` is the hash of the record on this device's trail. It names no person.

    Raises:
        AuditError: it could not be written down; nothing was destroyed.
        VaultError: the outer key could not be destroyed; nothing was.
    """
    identity, vault = member.identity, member.vault.id
    person = pseudonym(member)
    written = audit.record(acts.erase(by_person(member), person, what=f"vault:{person}"))
    forget()
    member.vault.erase()
    body = {
        "id": str(uuid4()),
        "vault": vault,
        "reason": "person",
        "erased": datetime.now(UTC).isoformat(),
        "audit": written.hash,
        "device": identity.public.to_text(),
    }
    signature = identity.sign(signed_bytes(ERASURE, canonical_json(body)))
    return body | {"signature": to_text(signature)}


def pseudonym(member: Member) -> str:
    """Under which a person stands on the device's trail."""
    return member.identity.public.fingerprint


def by_person(member: Member) -> acts.Actors:
    """The person, by pseudonym, at their own device."""
    person = acts.Agent("person", pseudonym(member), role="patient")
    application = acts.Agent("application", "caretier-device")
    return acts.Actors(application, "device", person=person, purpose="PATRQT")
