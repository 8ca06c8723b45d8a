"""Everything that bulk data needs at one server, put together."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from services.fhir.access import Access, ScopeError
from services.fhir.bulk.export import Exporter
from services.fhir.bulk.files import Files
from services.fhir.bulk.importing import Importer
from services.fhir.bulk.kickoff import KickOff
from services.fhir.bulk.kinds import allowed
from services.fhir.bulk.orders import AccessOf, AddJob, Order, Orders
from services.fhir.store import FhirStore
from services.store.database import Database
from services.web.outbound import Outbound


class Bulk:
    """Bulk data of one store.

    Args:
        database: of the store.
        store: that takes what is imported.
        folder: for the files.
        access: evaluates anew what a program may see under a grant.
        add_job: adds the job that does an order.
        outbound: the way to addresses that an import names.
        keep: how long files are there once they are done.
    """

    def __init__(
        self,
        database: Database,
        store: FhirStore,
        folder: Path,
        access: AccessOf,
        *,
        add_job: AddJob,
        outbound: Outbound,
        keep: timedelta,
    ) -> None:
        self.orders = Orders(database, Files(folder), add_job, keep)
        self.kick_off = KickOff(database, self.orders)
        self.exporter = Exporter(database, self.orders, access)
        self.importer = Importer(store, self.orders, access, outbound)
        self.outbound, self._access = outbound, access

    def require_covered(self, access: Access, order: Order, kind: str) -> None:
        """Refuse resources of a type to a caller who may not see now what was selected then.

        Raises:
            ScopeError: the scopes do not cover them, or narrow them otherwise.
        """
        if kind == "Bundle":  # of deletions: ids alone, and told to this client before
            return
        then = self._access(order.grant)
        if then is None or not allowed(access, kind):
            raise ScopeError("The scopes of this client do not cover this file.")
        for letter in ("r", "s"):
            if access.queries(kind, letter) not in {(), then.queries(kind, letter)}:
                raise ScopeError("The scopes of this client do not cover this file.")
