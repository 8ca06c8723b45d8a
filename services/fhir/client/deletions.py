"""What a Bundle says was deleted: in a history, or in the deletions of an export."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

_NAMED = re.compile(r"(?:.*/)?([A-Z][A-Za-z]{1,63}/[A-Za-z0-9.-]{1,64})(?:/_history/[^/]*)?")


def deletions(bundle: Mapping[str, Any]) -> list[str]:
    """``Type/id`` of each entry that is a deletion, in the order of the Bundle."""
    return list(_named(bundle))


def _named(bundle: Mapping[str, Any]) -> Iterator[str]:
    entries = bundle.get("entry")
    for entry in entries if isinstance(entries, list) else ():
        request = entry.get("request") if isinstance(entry, dict) else None
        if not isinstance(request, dict) or str(request.get("method")).upper() != "DELETE":
            continue
        for where in (request.get("url"), entry.get("fullUrl")):
            found = _NAMED.fullmatch(where) if isinstance(where, str) else None
            if found:
                yield found[1]
                break
