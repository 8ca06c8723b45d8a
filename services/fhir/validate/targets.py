"""What a Reference points at, and whether R4 allows that type there.

Understood are ``Type/id``, the same at the end of an absolute URL, the conditional
``Type?identifier=…`` of bulk exports and transactions, ``urn:uuid:`` and ``urn:oid:`` (whose type
only the bundle knows), ``#id`` of a contained resource, and a logical reference by identifier.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from services.fhir.validate.catalogue import type_names

_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:\S+").fullmatch
_LITERAL = re.compile(
    r"(?:https?://\S+/)?([A-Z][A-Za-z]{2,63})/[A-Za-z0-9\-.]{1,64}(?:/_history/[A-Za-z0-9\-.]{1,64})?"
    r"(?:#\S*)?"
).fullmatch
_CONDITIONAL = re.compile(r"([A-Z][A-Za-z]{2,63})\?\S.*").fullmatch
NOT_ALLOWED = "points at a type that R4 does not allow here (reference target)"
"""The rule on targets in words."""


def rule_broken(reference: Mapping[str, Any], targets: frozenset[str] | None) -> str | None:
    """Return the rule that a Reference breaks, or None; ``#id`` is left to the walk."""
    text = reference.get("reference")
    kind = None
    if text is not None and not text.startswith("#"):
        match = _LITERAL(text) or _CONDITIONAL(text)
        kind = match[1] if match and match[1] in type_names() else None
        if kind is None and not _ABSOLUTE(text):
            return "must be Type/id, an absolute URL or #id (ref-1)"
    named = reference.get("type")
    if named in type_names():
        if kind is not None and named != kind:
            return "names another type than its reference (reference target)"
        kind = named
    return NOT_ALLOWED if kind and targets is not None and kind not in targets else None
