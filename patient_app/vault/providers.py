"""Keys that the operating system keeps, for a vault without a passphrase."""

from __future__ import annotations

import importlib
from typing import Any, Protocol, runtime_checkable

from compliance.sealing.encoding import from_text, to_text
from patient_app.vault.errors import VaultKeyUnavailableError


@runtime_checkable
class KeyProvider(Protocol):
    """Keeps 32-byte keys by name; the name is random and says nothing."""

    def fetch(self, name: str) -> bytes:
        """Return a key.

        Raises:
            VaultKeyUnavailableError: there is none, or the store does not answer.
        """
        ...

    def store(self, name: str, key: bytes) -> None:
        """Keep a key.

        Raises:
            VaultKeyUnavailableError: it could not be kept.
        """
        ...

    def erase(self, name: str) -> None:
        """Forget a key; forgetting one that is not there is no error.

        Raises:
            VaultKeyUnavailableError: the store does not answer.
        """
        ...


class KeyringProvider:
    """The operating system's keyring, through the optional package ``keyring``.

    Args:
        service: name under which the keyring lists the keys.
    """

    def __init__(self, service: str = "caretier-vault") -> None:
        self._service = service

    def fetch(self, name: str) -> bytes:
        """Return a key, see `KeyProvider.fetch`."""
        keyring, errors = _load()
        try:
            text = keyring.get_password(self._service, name)
            if text is not None:
                return from_text(text)
        except (errors.KeyringError, ValueError):
            raise VaultKeyUnavailableError("The key store gave no usable key.") from None
        raise VaultKeyUnavailableError("The key store has no key for this vault.")

    def store(self, name: str, key: bytes) -> None:
        """Keep a key, see `KeyProvider.store`."""
        keyring, errors = _load()
        try:
            keyring.set_password(self._service, name, to_text(key))
        except errors.KeyringError:
            raise VaultKeyUnavailableError("The key store did not take the key.") from None

    def erase(self, name: str) -> None:
        """Forget a key, see `KeyProvider.erase`."""
        keyring, errors = _load()
        try:
            if keyring.get_password(self._service, name) is not None:
                keyring.delete_password(self._service, name)
        except errors.KeyringError:
            raise VaultKeyUnavailableError("The key store did not erase the key.") from None


def _load() -> tuple[Any, Any]:
    """Import the optional package only when a vault uses it."""
    try:
        return importlib.import_module("keyring"), importlib.import_module("keyring.errors")
    except ImportError:
        raise VaultKeyUnavailableError(
            "This installation cannot use the operating system's key store.",
            remedy="Install Caretier with the extra `device`, or use a passphrase.",
        ) from None
