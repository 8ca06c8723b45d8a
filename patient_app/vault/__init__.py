"""The vault: everything about the person, encrypted in one file on their own device.

Workflow. `Vault.create` makes it with a passphrase (or with a key kept by the operating system,
`KeyringProvider`); a `RecoveryCode` on paper opens it when that is forgotten. `Vault.open` checks
the whole of it before anything is read. Values are JSON, found by kind and id. All changes happen
in ``with vault.write() as tx:``, whole or not at all, and several processes may share the file.
`export` and `erase` are the patient's own right to take everything along and to leave nothing
behind: erasing destroys a key outside the folder (`outer`), so that no backup of it opens any more.
What each error means is in `errors`; how the file is made, and what it does not protect against, is
in FORMAT.md beside this file.

Example:
    >>> import os, tempfile
    >>> from pathlib import Path
    >>> folder = Path(tempfile.mkdtemp())
    >>> os.environ["CARETIER_ANCHORS"] = str(folder / "anchors")
    >>> vault = Vault.create(folder / "vault", "correct horse battery")
    >>> with vault.write() as tx:
    ...     tx.put("profile", "me", {"language": "es"})
    >>> vault.get("profile", "me")
    {'language': 'es'}
    >>> vault.close()
"""

from patient_app.vault.errors import (
    VaultAnchorMissingError,
    VaultBusyError,
    VaultDamagedError,
    VaultError,
    VaultExistsError,
    VaultKeyUnavailableError,
    VaultMissingError,
    VaultOuterKeyMissingError,
    VaultReopenError,
    VaultRolledBackError,
    WrongPassphraseError,
)
from patient_app.vault.kdf import KdfParameters
from patient_app.vault.providers import KeyProvider, KeyringProvider
from patient_app.vault.recovery import RecoveryCode
from patient_app.vault.transaction import Transaction
from patient_app.vault.vault import Vault

__all__ = [
    "KdfParameters",
    "KeyProvider",
    "KeyringProvider",
    "RecoveryCode",
    "Transaction",
    "Vault",
    "VaultAnchorMissingError",
    "VaultBusyError",
    "VaultDamagedError",
    "VaultError",
    "VaultExistsError",
    "VaultKeyUnavailableError",
    "VaultMissingError",
    "VaultOuterKeyMissingError",
    "VaultReopenError",
    "VaultRolledBackError",
    "WrongPassphraseError",
]
