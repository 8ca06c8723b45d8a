"""How many rows a statement changed."""

from __future__ import annotations

from typing import Any, cast

from sqlalchemy import CursorResult, Result


def changed(result: Result[Any]) -> int:
    """Number of rows that an UPDATE or DELETE touched (SQLAlchemy types only its cursor so)."""
    return int(cast("CursorResult[Any]", result).rowcount)
