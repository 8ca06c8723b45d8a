"""Clinics that are let in and shut out: codes for new ones, and revoking one.

Devices enrol at their clinic, whose keys their code pins; a hospital can make none for them.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from compliance.errors import NotFoundError
from services.consult.messages import Level
from services.exchange.registry import CODE_VALIDITY, Registry
from services.hospital.audited import Caller


class Enrolling:
    """What an operator does with clinics.

    Args:
        registry: of the hospital.
        pin: fingerprint of the hospital, which a clinic checks.
        audit: writes down what is done, before it happens.
    """

    def __init__(
        self, registry: Registry, pin: str, audit: Callable[[Caller, str, str], None]
    ) -> None:
        self._registry, self._pin, self._audit = registry, pin, audit

    def new_code(self, by: Caller) -> tuple[str, datetime]:
        """A code for one clinic, good once, and the moment at which it runs out.

        Raises:
            AuditError: it could not be written down; there is no code.
        """
        self._audit(by, "code:clinic", "made")
        code = self._registry.new_code(Level.CLINIC, [self._pin])
        return code, datetime.now(UTC) + CODE_VALIDITY

    def revoke(self, node: str, by: Caller) -> None:
        """Refuse every further call of a clinic; it needs a new code to come back.

        Raises:
            NotFoundError: no such clinic is enrolled.
            AuditError: it could not be written down; nothing was done.
        """
        if self._registry.level_of(node) is None:
            raise NotFoundError("There is no such clinic.")
        self._audit(by, f"node:{node}", "revoked")
        self._registry.revoke(node)
