"""Scopes that narrow a type by a search: which of them this server can hold to."""

from __future__ import annotations

from compliance.access import Scopes
from compliance.access.grants import ANY, Grant
from compliance.errors import BadInputError
from services.fhir.errors import FhirParameterError
from services.fhir.search.narrow import narrowing
from services.fhir.validate import resource_types
from services.hospital.smart.errors import OAuthError

LONGEST = 4000
"""Characters of scopes that are read at once; comparing them costs the square of their number."""


def read_scopes(text: str, patient: str | None = None) -> tuple[Scopes, tuple[str, ...]]:
    """What is understood of what somebody asks for, and the rest.

    Raises:
        OAuthError: it is too long.
    """
    if len(text) > LONGEST:
        raise OAuthError("invalid_scope", f"Ask for scopes of at most {LONGEST} characters.")
    return Scopes.understood(text, patient)


def usable(grant: Grant) -> bool:
    """Whether the type exists, and the search is one that can be held against a resource."""
    if grant.kind == ANY:
        return True
    if grant.kind not in resource_types():
        return False
    try:
        return not grant.query or bool(narrowing(grant.kind, grant.query))
    except FhirParameterError:
        return False


def usable_only(scopes: Scopes) -> Scopes:
    """Those that can be held to; what cannot must not be granted."""
    return Scopes(scopes.words, tuple(g for g in scopes.grants if usable(g)), scopes.patient)


def require_usable(scopes: Scopes) -> None:
    """Refuse scopes of which one cannot be held to.

    Raises:
        BadInputError: a type is unknown, or a search cannot be used.
    """
    if usable_only(scopes) != scopes:
        raise BadInputError("A scope names an unknown type, or a search that cannot be used.")
