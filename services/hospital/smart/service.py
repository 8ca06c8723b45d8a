"""The authorization server of one hospital, put together."""

from __future__ import annotations

from pathlib import Path

from services.hospital.accounts import Accounts
from services.hospital.audited import Auditor
from services.hospital.smart.asking import Asking
from services.hospital.smart.assertion import Assertions
from services.hospital.smart.authentication import Authentication
from services.hospital.smart.client_keys import ClientKeys
from services.hospital.smart.clients import Clients
from services.hospital.smart.endpoint import TokenEndpoint
from services.hospital.smart.grants import Grants
from services.hospital.smart.identity import Identities
from services.hospital.smart.launches import Launches
from services.hospital.smart.signing import SigningKeys
from services.hospital.smart.tokens import Tokens
from services.hospital.smart.waiting import Waiting
from services.store.database import Database
from services.web.outbound import Outbound


class Smart:
    """What stands behind ``/oauth`` and behind bearer tokens.

    Args:
        database: of the hospital.
        accounts: people, and their sessions.
        auditor: writes down what is granted and refused.
        outbound: the only way to addresses that clients name.
        keys: folder of the keys that sign ID tokens.
    """

    def __init__(
        self,
        database: Database,
        *,
        accounts: Accounts,
        auditor: Auditor,
        outbound: Outbound,
        keys: Path,
    ) -> None:
        self._database, self.auditor = database, auditor
        self.signing = SigningKeys(keys)
        self.clients = Clients(database, auditor)
        self.tokens = Tokens(database)
        self.grants = Grants(database)
        self.launches = Launches(database)
        self.waiting = Waiting(database)
        assertions = Assertions(database, self.clients, ClientKeys(outbound))
        self.authentication = Authentication(self.clients, assertions, self.tokens)
        self.asking = Asking(self.tokens, self.grants)
        self.endpoint = TokenEndpoint(
            database,
            self.grants,
            self.tokens,
            Identities(self.signing, accounts.user),
            accounts.is_open,
        )
