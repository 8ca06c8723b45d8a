"""Being told of changes: subscriptions at the server (R5 backport, rest-hook), and what they send.

A notification is believed to be a hint and no more: it names resources, which are then read from
the server itself. Whoever holds the secret can make this hospital read, and nothing else.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import re
import secrets
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import update

from services.fhir.client import Capability, FhirClient, FhirRefusedError, FhirServerError
from services.fhir.client.discovery import TypeCapability
from services.hospital.ehr.asks import Ask
from services.hospital.ehr.book import expect
from services.hospital.ehr.naming import Naming
from services.hospital.ehr.scheduling import order
from services.hospital.models import EhrConnection
from services.store.database import Database

_IG = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/"
_NOTHING = TypeCapability()
MAX_TOPICS = 20
MAX_FOCUS = 1000
"""Resources of one notification that are read by name; with more, everything that changed is."""
_BEARER = re.compile(r"bearer +([A-Za-z0-9_-]{20,100})", re.IGNORECASE)


class Subscriptions:
    """Subscriptions of the connections.

    Args:
        database: of the hospital.
        base_url: where servers send their notifications; None where they cannot.
    """

    def __init__(self, database: Database, base_url: str | None) -> None:
        self._database, self._base_url = database, base_url

    async def ensure(self, row: EhrConnection, client: FhirClient) -> None:
        """Subscribe once, where the server lists topics of what is read."""
        if row.subscriptions or not self._base_url:
            return
        capability = await client.capability()
        asks = [Ask(text) for text in row.asks.split()]
        topics = _topics(capability, asks)
        if not topics or not capability.offers("Subscription", "create"):
            return
        secret = secrets.token_urlsafe(32)
        digest = hashlib.sha256(secret.encode()).hexdigest()
        # kept first: the server may try the address before it answers
        await asyncio.to_thread(self._keep, row.name, secret=digest)
        endpoint = f"{self._base_url.rstrip('/')}/v1/ehr/{row.name}/notify"
        made: list[str] = []
        for topic, filters in list(topics.items())[:MAX_TOPICS]:
            asked = (_subscription(topic, f, endpoint, secret) for f in (filters, ()))
            made += await _first_taken(client, asked)
        await asyncio.to_thread(self._keep, row.name, subscriptions=" ".join(made))

    async def end(self, row: EhrConnection, client: FhirClient) -> None:
        """Delete the subscriptions at the server."""
        for id_ in row.subscriptions.split():
            await client.delete("Subscription", id_)
        await asyncio.to_thread(self._keep, row.name, subscriptions="", secret=None)

    def _keep(self, name: str, **values: object) -> None:
        with self._database.transaction() as session:
            row = update(EhrConnection).where(EhrConnection.name == name)
            session.execute(row.values(**values))

    def knows(self, name: str, authorization: str | None) -> bool:
        """Whether a notification brings the secret of a connection; takes as long either way."""
        found = _BEARER.fullmatch(authorization or "")
        given = hashlib.sha256((found[1] if found else "").encode()).hexdigest()
        with self._database.reading() as session:
            row = session.get(EhrConnection, name)
        held = row.secret if row is not None else None
        same = hmac.compare_digest(given, held or "0" * 64)
        return same and found is not None and held is not None

    def notified(self, name: str, bundle: Any) -> None:
        """Order what a notification asks for: what it names, or what changed where it names none.

        Args:
            name: of the connection, whose secret it brought.
            bundle: body, as it came.
        """
        if not _is_event(bundle):
            return
        with self._database.transaction() as session:
            row = session.get(EhrConnection, name)
            if row is None:
                return
            kinds = {Ask(ask).kind for ask in row.asks.split()}
            naming = Naming(row.base, row.prefix)
            found = {naming.target(reference) for reference in _focus(bundle)}
            keys = {key for key in found if key is not None and key[0] in kinds}
            if keys and len(keys) <= MAX_FOCUS:
                expect(session, name, sorted(f"{kind}/{id_}" for kind, id_ in keys))
                order(session, name, "named")
            elif not found or keys:
                order(session, name, "new")


def _topics(capability: Capability, asks: Sequence[Ask]) -> dict[str, tuple[str, ...]]:
    """Topics to subscribe to, each with the searches by which its events are narrowed."""
    everything = tuple(ask.text for ask in asks)
    found = dict.fromkeys(capability.types.get("Subscription", _NOTHING).topics, everything)
    for ask in asks:
        for topic in capability.types.get(ask.kind, _NOTHING).topics:
            same = tuple(other.text for other in asks if other.kind == ask.kind)
            found.setdefault(topic, same)
    return found


async def _first_taken(client: FhirClient, asked: Iterator[dict[str, Any]]) -> list[str]:
    """Id of the first form that the server takes: some topics take no filter."""
    for subscription in asked:
        try:
            return [str((await client.create(subscription))["id"])]
        except FhirRefusedError:
            continue
        except FhirServerError:
            break
    return []  # its clock tells of changes, too


def _subscription(topic: str, filters: Sequence[str], endpoint: str, secret: str) -> dict[str, Any]:
    """A subscription as the backport guide writes it for R4; only ids are sent."""
    content = {"url": f"{_IG}backport-payload-content", "valueCode": "id-only"}
    narrowed = [{"url": f"{_IG}backport-filter-criteria", "valueString": f} for f in filters]
    return {
        "resourceType": "Subscription",
        "meta": {"profile": [f"{_IG}backport-subscription"]},
        "status": "requested",
        "reason": "Keeps the record of a hospital up to date",
        "criteria": topic,
        **({"_criteria": {"extension": narrowed}} if narrowed else {}),
        "channel": {
            "type": "rest-hook",
            "endpoint": endpoint,
            "payload": "application/fhir+json",
            "_payload": {"extension": [content]},
            "header": [f"Authorization: Bearer {secret}"],
        },
    }


def _is_event(bundle: Any) -> bool:
    """Whether a notification tells of an event; a handshake or a heartbeat does not."""
    kinds = list(_found(bundle, {"type"}))
    told = {kind for kind in kinds if isinstance(kind, str)}
    return not told & {"handshake", "heartbeat"}


def _focus(bundle: Any) -> Iterator[str]:
    """References that a notification names as changed."""
    for focus in _found(bundle, {"focus"}):
        reference = focus.get("reference") if isinstance(focus, dict) else None
        if isinstance(reference, str):
            yield reference


def _found(bundle: Any, names: set[str]) -> Iterator[Any]:
    """Values of the status at the head of a notification, as Parameters (R4) or its own type."""
    entries = bundle.get("entry") if isinstance(bundle, dict) else None
    first = entries[0] if isinstance(entries, list) and entries else None
    status = first.get("resource") if isinstance(first, dict) else None
    if not isinstance(status, dict):
        return
    yield from _values(status, names, depth=4)


def _values(node: Any, names: set[str], depth: int) -> Iterator[Any]:
    if isinstance(node, list):
        for item in node:
            yield from _values(item, names, depth)
    elif isinstance(node, dict) and depth:
        if node.get("name") in names:
            yield from (value for key, value in node.items() if key.startswith("value"))
        for key, value in node.items():
            if key in names:
                yield value
            elif key in {"parameter", "part", "notificationEvent"}:
                yield from _values(value, names, depth - 1)
