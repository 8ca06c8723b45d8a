"""What can be wrong with a vault: each says one thing and what to do, nothing of the content."""

from __future__ import annotations

from typing import ClassVar

from compliance.errors import CaretierError


class VaultError(CaretierError):
    """The vault cannot do what was asked."""

    kind: ClassVar[str] = "vault-error"
    status: ClassVar[int] = 500
    exit_code: ClassVar[int] = 10
    remedy: ClassVar[str] = "Close Caretier on this device and open it again."


class WrongPassphraseError(VaultError):
    """The passphrase, or the key of the operating system, does not open this vault."""

    kind: ClassVar[str] = "vault-locked"
    status: ClassVar[int] = 401
    remedy: ClassVar[str] = "Type the passphrase again; only a recovery code opens it without."


class VaultKeyUnavailableError(VaultError):
    """The operating system's key store does not answer, or has no key for this vault."""

    kind: ClassVar[str] = "vault-key-unavailable"
    status: ClassVar[int] = 503
    remedy: ClassVar[str] = "Unlock this device's key store, then open the vault again."


class VaultOuterKeyMissingError(VaultError):
    """The vault's outer key is not on this device: it was moved here, or was erased."""

    kind: ClassVar[str] = "vault-outer-key-missing"
    status: ClassVar[int] = 409
    remedy: ClassVar[str] = "Give the recovery text; an erased vault does not open any more."


class VaultMissingError(VaultError):
    """There is no vault in this folder."""

    kind: ClassVar[str] = "vault-missing"
    status: ClassVar[int] = 404
    remedy: ClassVar[str] = "Check the folder, or create a new vault there."


class VaultExistsError(VaultError):
    """There is a vault in this folder already; it was not touched."""

    kind: ClassVar[str] = "vault-exists"
    status: ClassVar[int] = 409
    remedy: ClassVar[str] = "Open it, or choose another folder."


class VaultDamagedError(VaultError):
    """The file is not as the vault left it: broken, cut, or changed by something else."""

    kind: ClassVar[str] = "vault-damaged"
    remedy: ClassVar[str] = "Put back a backup of the vault, then open it as a restored one."


class VaultRolledBackError(VaultError):
    """The vault is whole but older than the newest that this device has seen."""

    kind: ClassVar[str] = "vault-rolled-back"
    status: ClassVar[int] = 409
    remedy: ClassVar[str] = (
        "If you put back a backup on purpose, open it as a restored one; otherwise somebody did."
    )


class VaultAnchorMissingError(VaultRolledBackError):
    """This device has no note of the vault, so it cannot tell whether it is the newest."""

    kind: ClassVar[str] = "vault-anchor-missing"
    remedy: ClassVar[str] = (
        "If you moved the vault here or put back a backup, open it as a restored one."
    )


class VaultBusyError(VaultError):
    """Another process kept the vault for too long; nothing was changed."""

    kind: ClassVar[str] = "vault-busy"
    status: ClassVar[int] = 503
    remedy: ClassVar[str] = "Wait a moment and try again."


class VaultReopenError(VaultError):
    """The passphrase was changed or the vault erased while this process had it open."""

    kind: ClassVar[str] = "vault-reopen"
    status: ClassVar[int] = 401
    remedy: ClassVar[str] = "Open the vault again with the new passphrase."
