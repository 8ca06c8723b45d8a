"""What a server says of itself: its authorization server, and what it can do.

Both are read once. A CapabilityStatement is often wrong by omission, so it narrows a call only
where it says something of the type in question.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from services.fhir.client.answers import Resource
from services.fhir.client.errors import FhirAnswerError, FhirAwayError, FhirSignInError
from services.fhir.client.settings import Connects

_OAUTH = "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris"
_TOPIC = (
    "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/"
    "capabilitystatement-subscriptiontopic-canonical"
)
BACKPORT = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-subscription"
ALWAYS = frozenset({"_count"})
"""Parameters that are sent whether they are listed or not."""


@dataclass(frozen=True)
class SmartConfiguration:
    """Where a FHIR server's tokens come from.

    Attributes:
        token: token endpoint; authorize: authorization endpoint.
        capabilities, scopes, methods: what it says it can do, which scopes it knows, and which
            methods of PKCE; empty where it says nothing.
        revoke, introspect: further endpoints.
        issuer: of its ID tokens.
    """

    token: str
    authorize: str | None = None
    capabilities: frozenset[str] = frozenset()
    scopes: frozenset[str] = frozenset()
    methods: frozenset[str] = frozenset()
    revoke: str | None = None
    introspect: str | None = None
    issuer: str | None = None


async def smart_configuration(connects: Connects, base: str) -> SmartConfiguration:
    """Read ``/.well-known/smart-configuration`` below a base address.

    Raises:
        FhirSignInError: the server has none, or it names no token endpoint.
        FhirAwayError: it does not answer.
        OutboundRefusedError: its origin is not listed.
    """
    url = f"{base.rstrip('/')}/.well-known/smart-configuration"
    async with connects.client() as http:
        try:
            answer = await http.get(url, headers={"accept": "application/json"})
        except httpx.HTTPError:
            raise FhirAwayError("The FHIR server does not answer.") from None
    try:
        said = answer.json() if answer.is_success else {}
    except (ValueError, RecursionError):
        said = {}
    if not isinstance(said, dict) or not _text(said, "token_endpoint"):
        raise FhirSignInError("The FHIR server does not say where its tokens come from.")
    return SmartConfiguration(
        token=str(said["token_endpoint"]),
        authorize=_text(said, "authorization_endpoint"),
        capabilities=_texts(said, "capabilities"),
        scopes=_texts(said, "scopes_supported"),
        methods=_texts(said, "code_challenge_methods_supported"),
        revoke=_text(said, "revocation_endpoint"),
        introspect=_text(said, "introspection_endpoint"),
        issuer=_text(said, "issuer"),
    )


@dataclass(frozen=True)
class TypeCapability:
    """What a server can do with one type; an empty set where it does not say."""

    interactions: frozenset[str] = frozenset()
    parameters: frozenset[str] = frozenset()
    operations: frozenset[str] = frozenset()
    topics: tuple[str, ...] = ()
    profiles: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Capability:
    """What a server can do, from its CapabilityStatement.

    Attributes:
        types: by resource type; empty where it does not say.
        parameters: that every type knows.
        interactions: of the whole server (``transaction``, ``history-system``, …).
        operations: of the whole server (``export``, …).
        formats: media types; version: of FHIR; software: name.
        token: token endpoint in the older form, where there is one.
    """

    types: Mapping[str, TypeCapability] = field(default_factory=dict)
    parameters: frozenset[str] = frozenset()
    interactions: frozenset[str] = frozenset()
    operations: frozenset[str] = frozenset()
    formats: frozenset[str] = frozenset()
    version: str = ""
    software: str = ""
    token: str | None = None

    def allows(self, kind: str, interaction: str) -> bool:
        """Whether an interaction with a type may be tried."""
        if not self.types:
            return True
        found = self.types.get(kind)
        return found is not None and (not found.interactions or interaction in found.interactions)

    def offers(self, kind: str, interaction: str) -> bool:
        """Whether the server says that it has an interaction with a type."""
        found = self.types.get(kind)
        return found is not None and interaction in found.interactions

    def knows(self, kind: str, parameter: str) -> bool:
        """Whether a search parameter may be sent."""
        name = parameter.partition(":")[0].partition(".")[0]
        listed = self.types.get(kind, TypeCapability()).parameters
        if not listed or name in ALWAYS:
            return True
        return name in listed or name in self.parameters

    def has_operation(self, name: str, kind: str | None = None) -> bool:
        """Whether the server lists an operation, for the type or for itself."""
        found = self.types.get(kind or "", TypeCapability()).operations
        return name in found or name in self.operations

    def topics(self) -> tuple[str, ...]:
        """Canonical addresses of the subscription topics that it lists."""
        return tuple(dict.fromkeys(t for found in self.types.values() for t in found.topics))


def read_capability(statement: Resource) -> Capability:
    """Read a CapabilityStatement.

    Raises:
        FhirAnswerError: it is none, or of a FHIR version that is not R4.
    """
    if statement.get("resourceType") != "CapabilityStatement":
        raise FhirAnswerError("The FHIR server does not describe itself.")
    version = _text(statement, "fhirVersion") or ""
    if version and not version.startswith(("4.0", "4.3")):
        raise FhirAnswerError("The server speaks another version of FHIR than R4.")
    rests = list(_objects(statement, "rest"))
    rest = next((r for r in rests if r.get("mode", "server") == "server"), {})
    security = rest.get("security")
    software = statement.get("software")
    return Capability(
        types={
            str(item["type"]): _type(item)
            for item in _objects(rest, "resource")
            if isinstance(item.get("type"), str)
        },
        parameters=_names(rest, "searchParam"),
        interactions=_names(rest, "interaction", "code"),
        operations=_operations(rest),
        formats=_texts(statement, "format"),
        version=version,
        software=str(software.get("name", ""))[:80] if isinstance(software, dict) else "",
        token=_old_token(security) if isinstance(security, dict) else None,
    )


def _type(item: Mapping[str, Any]) -> TypeCapability:
    topics = (
        str(found)
        for extension in _objects(item, "extension")
        if extension.get("url") == _TOPIC
        and isinstance(found := extension.get("valueCanonical") or extension.get("valueUri"), str)
    )
    return TypeCapability(
        interactions=_names(item, "interaction", "code"),
        parameters=_names(item, "searchParam"),
        operations=_operations(item),
        topics=tuple(topics),
        profiles=_texts(item, "supportedProfile"),
    )


def _old_token(security: Mapping[str, Any]) -> str | None:
    for outer in _objects(security, "extension"):
        if outer.get("url") == _OAUTH:
            for inner in _objects(outer, "extension"):
                if inner.get("url") == "token":
                    return _text(inner, "valueUri")
    return None


def _operations(item: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(name.removeprefix("$") for name in _names(item, "operation"))


def _objects(of: Mapping[str, Any], key: str) -> Iterator[dict[str, Any]]:
    value = of.get(key)
    for item in value if isinstance(value, list) else ():
        if isinstance(item, dict):
            yield item


def _names(of: Mapping[str, Any], key: str, name: str = "name") -> frozenset[str]:
    found = (item.get(name) for item in _objects(of, key))
    return frozenset(item for item in found if isinstance(item, str))


def _text(of: Mapping[str, Any], key: str) -> str | None:
    value = of.get(key)
    return value if isinstance(value, str) and value else None


def _texts(of: Mapping[str, Any], key: str) -> frozenset[str]:
    value = of.get(key)
    items = value if isinstance(value, list) else ()
    return frozenset(item for item in items if isinstance(item, str))
