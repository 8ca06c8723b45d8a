"""A transaction of writes that is begun again where the database breaks it off for another one."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from sqlalchemy.exc import DBAPIError

from services.fhir.access import Access
from services.fhir.drafts import NO_CHECKS, Check
from services.fhir.errors import FhirBusyError
from services.fhir.writer import Writer
from services.store.database import Database

ATTEMPTS = 5
"""How often it is begun, at most."""
Result = TypeVar("Result")


def in_turn(
    database: Database,
    work: Callable[[Writer], Result],
    access: Access | None,
    checks: Mapping[str, Check] = NO_CHECKS,
) -> Result:
    """Do ``work`` in one transaction; see `FhirStore.write`."""
    for attempt in range(ATTEMPTS):
        try:
            with database.transaction() as session:
                writer = Writer(session, access, checks)
                done = work(writer)
                writer.finish()
        except DBAPIError as error:
            if not _broken_off(error):
                raise
        else:
            return done
        time.sleep(random.uniform(0, 0.02 * 2**attempt))  # noqa: S311  # no secret
    raise FhirBusyError("other writers were at work for too long")


def _broken_off(error: DBAPIError) -> bool:
    """Whether the database chose between two transactions, or one waited for too long."""
    cause: Any = error.orig
    if getattr(cause, "sqlite_errorname", "") == "SQLITE_BUSY":  # it has waited already
        raise FhirBusyError("other writers were at work for too long") from None
    return getattr(cause, "sqlstate", None) in {"40001", "40P01"}  # serialisation, deadlock
