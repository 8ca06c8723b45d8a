"""The list of accounts: what is shown of each, which are asked for, and the list as a file."""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from services.hospital.models import User
from services.web.i18n import Translator

STATES = ("waiting", "locked", "disabled", "no-factor")
MAX_ASKED_CHARS = 80
_FORMULA = ("=", "+", "-", "@", "|", "\t", "\r", "\n")


@dataclass(frozen=True)
class Line:
    """One account in the list; ``state`` is ``ok``, ``waiting``, ``locked`` or ``disabled``."""

    id: str
    username: str
    name: str
    role: str
    state: str
    factor: bool
    provider: bool
    acts_as: str
    created: datetime
    seen: datetime | None


@dataclass(frozen=True)
class Filters:
    """What is asked for; empty texts ask for everything."""

    text: str = ""
    role: str = ""
    state: str = ""

    @classmethod
    def read(cls, text: str, role: str, state: str) -> Filters:
        """Take what stands in an address."""
        return cls(text[:MAX_ASKED_CHARS].strip(), role[:20], state if state in STATES else "")

    def fit(self, one: Line, t: Translator) -> bool:
        """Whether an account is asked for."""
        role = t(f"role.{one.role}")
        said = f"{one.username} {one.name} {one.acts_as} {role}".lower()
        return (
            all(word in said for word in self.text.lower().split())
            and self.role in ("", one.role)
            and (self.state in ("", one.state) or (self.state == "no-factor" and not one.factor))
        )


def lines(
    users: Iterable[User], has_factor: Callable[[User], bool], waiting: frozenset[str]
) -> list[Line]:
    """Accounts as the list shows them."""
    return [
        Line(
            id=user.id,
            username="" if user.subject else user.username,
            name=user.display_name,
            role=user.role,
            state=_state(user, waiting),
            factor=has_factor(user),
            provider=user.subject is not None,
            acts_as=user.acts_as or "",
            created=user.created,
            seen=user.last_seen,
        )
        for user in users
    ]


def _state(user: User, waiting: frozenset[str]) -> str:
    if user.disabled:
        return "disabled"
    if user.id in waiting:
        return "waiting"
    return "locked" if user.locked_until and user.locked_until > datetime.now(UTC) else "ok"


def as_csv(found: Iterable[Line]) -> str:
    """The list as a table for a spreadsheet; no cell is taken for a formula."""
    text = io.StringIO()
    out = csv.writer(text)
    out.writerow(
        ("id", "username", "name", "role", "state", "second_factor", "provider", "acts_as",
         "created", "last_seen")
    )  # fmt: skip
    for one in found:
        row = (
            one.id, one.username, one.name, one.role, one.state, "yes" if one.factor else "no",
            "yes" if one.provider else "no", one.acts_as, one.created.isoformat(),
            one.seen.isoformat() if one.seen else "",
        )  # fmt: skip
        out.writerow([safe_cell(cell) for cell in row])
    return text.getvalue()


def safe_cell(text: str) -> str:
    """A cell that no spreadsheet takes for a formula, also where it widens letters or trims."""
    begun = unicodedata.normalize("NFKC", text.lstrip()[:1])
    return f"'{text}" if text.startswith(_FORMULA) or begun.startswith(_FORMULA) else text
