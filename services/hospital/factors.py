"""The second factor of an account: a secret in the person's authenticator, and recovery codes.

The secret stands in the database sealed under a key that is in a file beside it; recovery codes are
kept as digests. An account that has a factor is always asked for it; the policy says who must have
one.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Literal

from sqlalchemy import and_, delete, update
from sqlalchemy.exc import IntegrityError

from compliance.access import totp
from compliance.errors import BadInputError
from compliance.sealing.encoding import from_text, to_text
from services.hospital.audited import Auditor, Caller
from services.hospital.models import SecondFactor, User
from services.hospital.secret_file import TextKey
from services.store.database import Database
from services.store.rows import changed

Policy = Literal["off", "optional", "required"]
"""Whether people may have a second factor, or must."""


class Factors:
    """The second factors of one hospital.

    Args:
        database: where they are.
        key: under which secrets are sealed.
        auditor: writes down that one is made or taken away.
        policy: who has one.
        clock: the present; tests move it.
    """

    def __init__(
        self,
        database: Database,
        key: TextKey,
        auditor: Auditor | None,
        *,
        policy: Policy = "off",
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database, self._key, self._auditor = database, key, auditor
        self.policy, self._clock = policy, clock

    def step(self, user: User) -> Literal["code", "enrol"] | None:
        """What is to be asked of a user after the password: a code, to enrol, or nothing."""
        row = self._row(user.id)
        if row is not None and row.confirmed is not None:
            return "code"
        return "enrol" if self.policy == "required" else None

    def has(self, user: User) -> bool:
        """Whether an account has a second factor."""
        return self.step(user) == "code"

    def begin(self, user: User) -> bytes:
        """The secret that is to be put into an authenticator; the same one until it is confirmed.

        Raises:
            BadInputError: the account has a second factor already.
        """
        row = self._row(user.id)
        if row is not None and row.confirmed is not None:
            raise BadInputError("This account has a second factor already.")
        if row is not None:
            return from_text(self._key.open(row.secret, _place(user.id)))
        secret = totp.new_secret()
        try:
            with self._database.transaction() as session:
                session.add(
                    SecondFactor(
                        user_id=user.id,
                        secret=self._key.seal(to_text(secret), _place(user.id)),
                        last_counter=0,
                        recovery="[]",
                    )
                )
        except IntegrityError:  # it was asked for twice at once: the first one counts
            return self.begin(user)
        return secret

    def forget_begun(self, user: User) -> None:
        """Forget a secret that was shown and not confirmed: whoever saw it may be somebody else."""
        begun = delete(SecondFactor).where(
            SecondFactor.user_id == user.id, SecondFactor.confirmed.is_(None)
        )
        with self._database.transaction() as session:
            session.execute(begun)

    def confirm(self, user: User, code: str, by: Caller) -> list[str] | None:
        """Confirm the new secret by a code of it; returns recovery codes, shown this once.

        None means that the code is wrong.

        Raises:
            BadInputError: the account has a second factor already.
            AuditError: it could not be written down; there is no second factor.
        """
        secret, row = self.begin(user), self._row(user.id)
        counter = totp.matching(secret, code, self._clock(), after=0)
        if counter is None or row is None:
            return None
        codes = totp.new_recovery_codes()
        if self._auditor is not None:
            self._auditor.key(by, f"factor-{user.id}", "made")
        made = self._use(
            user.id,
            and_(SecondFactor.confirmed.is_(None), SecondFactor.secret == row.secret),
            confirmed=self._clock(),
            last_counter=counter,
            recovery=json.dumps([totp.recovery_digest(one) for one in codes]),
        )
        return codes if made else None

    def prove(self, user: User, code: str) -> Literal["totp", "recovery"] | None:
        """Whether a code is good, by which means; it is used up. None means that it is wrong."""
        row = self._row(user.id)
        if row is None or row.confirmed is None:
            return None
        secret = from_text(self._key.open(row.secret, _place(user.id)))
        counter = totp.matching(secret, code, self._clock(), after=row.last_counter)
        if counter is not None:
            newer = SecondFactor.last_counter < counter
            return "totp" if self._use(user.id, newer, last_counter=counter) else None
        left = totp.spent(code, json.loads(row.recovery))
        if left is None:
            return None
        same = SecondFactor.recovery == row.recovery
        return "recovery" if self._use(user.id, same, recovery=json.dumps(left)) else None

    def left(self, user: User) -> int:
        """Number of recovery codes that are left."""
        row = self._row(user.id)
        return len(json.loads(row.recovery)) if row else 0

    def remove(self, user: User, by: Caller) -> bool:
        """Take the second factor away, when it is lost; returns whether there was one.

        Raises:
            AuditError: it could not be written down; it is still asked for.
        """
        if self._auditor is not None:
            self._auditor.key(by, f"factor-{user.id}", "revoked")
        with self._database.transaction() as session:
            gone = session.execute(delete(SecondFactor).where(SecondFactor.user_id == user.id))
            return changed(gone) == 1

    def _use(self, user: str, still: object, **values: object) -> bool:
        """Use a code or a secret up, unless somebody else did in the meantime."""
        with self._database.transaction() as session:
            used = session.execute(
                update(SecondFactor)
                .where(SecondFactor.user_id == user, still)  # type: ignore[arg-type]
                .values(**values)
            )
            return changed(used) == 1

    def _row(self, user: str) -> SecondFactor | None:
        with self._database.reading() as session:
            return session.get(SecondFactor, user)


def _place(user: str) -> str:
    return f"hospital_second_factor/{user}/secret"
