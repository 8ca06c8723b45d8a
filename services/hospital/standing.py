"""What a program may do now under a grant that it was given earlier."""

from __future__ import annotations

from functools import partial

from compliance.access import Scopes
from compliance.audit import Agent
from services.fhir.access import Access, Grant
from services.hospital.audited import Auditor, Caller
from services.hospital.keys import ApiKeys

KEY = "key-"
"""In front of the id of an API key, in `Grant.client`."""


class Standing:
    """Evaluates grants anew, for work that goes on after a request.

    Args:
        keys: of the hospital.
        auditor: writes down what is disclosed.
    """

    def __init__(self, keys: ApiKeys, auditor: Auditor) -> None:
        self._keys, self._auditor = keys, auditor

    def access(self, grant: Grant) -> Access | None:
        """What the program may see; None when it may nothing any more."""
        if not grant.client.startswith(KEY):
            return None
        key = self._keys.named(grant.client.removeprefix(KEY))
        if key is None or not key.scopes.reads:
            return None
        return self._of(
            Caller(Agent("application", grant.client, name=key.name)), key.scopes, grant
        )

    def _of(self, caller: Caller, scopes: Scopes, grant: Grant) -> Access:
        return Access(
            patient=scopes.patient,
            allows=scopes.allows,
            queries=scopes.queries,
            whole=scopes.whole_record,
            disclose=partial(self._auditor.fhir, caller),
            grant=grant,
        )
