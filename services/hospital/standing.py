"""What a program may do now under a grant that it was given earlier."""

from __future__ import annotations

from functools import partial

from compliance.access import Scopes
from compliance.audit import Agent
from services.fhir.access import Access, Grant
from services.hospital.audited import Auditor, Caller
from services.hospital.keys import ApiKeys
from services.hospital.smart.clients import Clients

KEY, SMART = "key-", "smart-"
"""In front of the id of an API key, or of a registered client, in `Grant.client`."""


class Standing:
    """Evaluates grants anew, for work that goes on after a request.

    Args:
        keys: of the hospital.
        clients: that are registered.
        auditor: writes down what is disclosed and changed.
    """

    def __init__(self, keys: ApiKeys, clients: Clients, auditor: Auditor) -> None:
        self._keys, self._clients, self._auditor = keys, clients, auditor

    def access(self, grant: Grant) -> Access | None:
        """What the program may do; None when it may nothing any more."""
        found = self._scopes(grant)
        if found is None or not found[1].reaches_fhir:
            return None
        name, scopes = found
        caller = Caller(Agent("application", grant.client, name=name))
        return Access(
            patient=scopes.patient,
            allows=scopes.allows,
            queries=scopes.queries,
            whole=scopes.whole_record,
            disclose=partial(self._auditor.fhir, caller),
            change=partial(self._auditor.change, caller),
            grant=grant,
        )

    def _scopes(self, grant: Grant) -> tuple[str, Scopes] | None:
        """Name of the program, and what it was granted as far as it still may have it."""
        if grant.client.startswith(KEY):
            key = self._keys.named(grant.client.removeprefix(KEY))
            return (key.name, key.scopes) if key else None
        client = self._clients.find(grant.client.removeprefix(SMART))
        if client is None or not grant.client.startswith(SMART):
            return None
        given, _ = Scopes.understood(grant.scopes)
        return client.name, given.common(client.scopes).without("patient", "user")
