"""The recovery code of a person's record: offered, kept once it is on paper, taken away, used.

    offer → the person writes it down → one group typed back → keep → (forgotten passphrase) → use

A code that was only shown opens nothing yet, and the one before it stays good meanwhile. Each
change is on the audit trail, under a pseudonym, before it happens.
"""

from __future__ import annotations

import hmac
import secrets
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime

from compliance.audit import AuditTrail, acts
from compliance.errors import BadInputError
from patient_app.member import Member
from patient_app.own_data import by_person, pseudonym, require_passphrase
from patient_app.vault import RecoveryCode
from patient_app.vault.recovery import cleaned

KIND = "recovery"
"""Of the vault: when the code was made, and whether the person was reminded of it."""


@dataclass(frozen=True)
class Offered:
    """A code that was shown and opens nothing yet.

    Attributes:
        code: itself; it is kept in memory alone, until it is written down.
        group: which of its groups is to be typed back, from 1.
    """

    code: RecoveryCode
    group: int


def offer(member: Member) -> Offered:
    """Make a code to be written down; it takes the place of one that was only shown."""
    code = RecoveryCode.new()
    member.offered = Offered(code, 1 + secrets.randbelow(len(code.groups)))
    return member.offered


def needs_passphrase(member: Member, *, first: bool) -> bool:
    """Whether a code takes the passphrase: not the first one, where it was only just chosen."""
    return member.vault.has_recovery_code or not first


def keep(
    audit: AuditTrail,
    member: Member,
    typed: str,
    now: str,
    *,
    first: bool,
    tried: AbstractContextManager[None],
) -> None:
    """Let the code that was offered open the record from now on; a former one is void.

    Args:
        audit: of this device.
        member: whose record.
        typed: the group that was asked for, from the paper.
        now: the passphrase, where `needs_passphrase` says so.
        first: the session chose the passphrase itself.
        tried: counts a look at ``now`` (`patient_app.tries`).

    Raises:
        BadInputError: none was offered, another group was typed, or the passphrase is wrong.
        AuditError: it could not be written down; nothing was changed.
        TooManyTriesError: there were too many wrong passphrases of late.
    """
    if member.offered is None:
        raise BadInputError("There is no new recovery code.", remedy="Let one be made, then go on.")
    wanted = member.offered.code.groups[member.offered.group - 1]
    if not hmac.compare_digest(cleaned(typed).encode(errors="replace"), wanted.encode()):
        raise BadInputError(
            "That is not what stands in this group.",
            remedy="Compare your paper with the screen, and write it down anew if they differ.",
        )
    secret = now if needs_passphrase(member, first=first) else None
    _change(audit, member, member.offered.code, secret, tried)
    member.offered = None
    with member.vault.write() as tx:
        tx.put(KIND, "made", datetime.now(UTC).isoformat())


def remove(
    audit: AuditTrail, member: Member, now: str, tried: AbstractContextManager[None]
) -> None:
    """Let no code open the record any more; errors as in `keep`."""
    _change(audit, member, None, now, tried)
    with member.vault.write() as tx:
        tx.delete(KIND, "made")


def use(audit: AuditTrail, member: Member, code: RecoveryCode, new: str) -> None:
    """Give the record another passphrase by its code, which is used up; it is reminded of anew.

    Raises:
        AuditError: it could not be written down; nothing was changed.
        VaultError: the code does not open the vault.
    """
    _note(audit, member, "passphrase-by-recovery-code")
    member.vault.change_passphrase(code, new)
    with member.vault.write() as tx:
        for id_ in ("made", "reminded"):
            tx.delete(KIND, id_)


def made(member: Member) -> str | None:
    """When the code that opens the record was made, ISO 8601; None without one."""
    return member.vault.get(KIND, "made") if member.vault.has_recovery_code else None


def reminds(member: Member) -> bool:
    """Whether the person is to be asked, once, whether they want a code."""
    return not member.vault.has_recovery_code and member.vault.get(KIND, "reminded") is None


def reminded(member: Member) -> None:
    """Remember that the person was asked."""
    with member.vault.write() as tx:
        tx.put(KIND, "reminded", datetime.now(UTC).isoformat())


def _change(
    audit: AuditTrail,
    member: Member,
    code: RecoveryCode | None,
    now: str | None,
    tried: AbstractContextManager[None],
) -> None:
    if now is not None:
        require_passphrase(member, now, tried)
    _note(audit, member, "recovery-code" if code else "recovery-code-removed")
    member.vault.set_recovery_code(code, now)


def _note(audit: AuditTrail, member: Member, change: str) -> None:
    audit.record(acts.account(by_person(member), pseudonym(member), change=change))
