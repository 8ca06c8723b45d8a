"""Reading and changing rows inside one transaction."""

from __future__ import annotations

from typing import Any

from compliance.errors import BadInputError
from patient_app.vault.crypto import Keys, State, read_row
from patient_app.vault.database import Database
from patient_app.vault.errors import VaultError

LONGEST_VALUE_BYTES = 16 << 20
"""Largest sealed row."""


class Transaction:
    """Given by ``with vault.write() as tx``; of no use afterwards."""

    def __init__(self, database: Database, keys: Keys, state: State) -> None:
        self._database = database
        self._keys = keys
        self._open = True
        self.state = state
        """The state after the changes so far; the vault seals it when the block ends."""
        self.changed = False

    def put(self, kind: str, id: str, value: Any) -> None:  # noqa: A002 - the vault's word for it
        """Keep a JSON value under kind and id, in place of what was there.

        Raises:
            BadInputError: kind or id is empty, or the value is not JSON or larger than 16 MiB.
        """
        name = self._name(kind, id)
        before = self._find(name)
        version = before[0] + 1 if before else 1
        sealed = self._keys.seal_row(name, version, kind, id, value)
        if len(sealed) > LONGEST_VALUE_BYTES:
            raise BadInputError("This is too large for the vault.")
        if before:
            self.state = self.state.minus(self._keys.element(name, *before))
        self.state = self.state.plus(self._keys.element(name, version, sealed))
        self._database.execute(
            "INSERT INTO rows (name, version, sealed) VALUES (?, ?, ?) ON CONFLICT (name)"
            " DO UPDATE SET version = excluded.version, sealed = excluded.sealed",
            (name, version, sealed),
        )
        self.changed = True

    def get(self, kind: str, id: str) -> Any:  # noqa: A002 - the vault's word for it
        """Return the value under kind and id, or None."""
        name = self._name(kind, id)
        row = self._find(name)
        return read_row(self._keys.open_row(name, *row))[2] if row else None

    def delete(self, kind: str, id: str) -> bool:  # noqa: A002 - the vault's word for it
        """Remove what is under kind and id; say whether there was something."""
        name = self._name(kind, id)
        row = self._find(name)
        if row is None:
            return False
        self.state = self.state.minus(self._keys.element(name, *row))
        self._database.execute("DELETE FROM rows WHERE name = ?", (name,))
        self.changed = True
        return True

    def items(self, kind: str) -> list[tuple[str, Any]]:
        """Return all ids and values of a kind, ordered by id."""
        self._require_open()
        return read_kind(self._database, self._keys, kind)

    def end(self) -> None:
        """Make the object useless, so that nothing is written outside a transaction."""
        self._open = False

    def _name(self, kind: str, id_: str) -> bytes:
        self._require_open()
        if not kind or not id_:
            raise BadInputError("A value in the vault needs a kind and an id.")
        return self._keys.row_name(kind, id_)

    def _require_open(self) -> None:
        if not self._open:
            raise VaultError("This transaction has ended.")

    def _find(self, name: bytes) -> tuple[int, bytes] | None:
        rows = self._database.execute("SELECT version, sealed FROM rows WHERE name = ?", (name,))
        if not rows:
            return None
        self._keys.open_row(name, *rows[0])
        return rows[0][0], rows[0][1]


def read_kind(database: Database, keys: Keys, kind: str) -> list[tuple[str, Any]]:
    """Return all ids and values of a kind, ordered by id."""
    first = keys.kind_name(kind)
    rows = database.execute(
        "SELECT name, version, sealed FROM rows WHERE name >= ? AND name < ?",
        (first, first + b"\xff" * 17),
    )
    opened = (read_row(keys.open_row(*row)) for row in rows)
    return sorted(((id_, value) for _, id_, value in opened), key=lambda item: item[0])
