"""What is gone there: told by a type's history, or missed when everything was read.

Neither is taken at its word: each resource is asked for by itself, and deleted here only when the
server says that it is gone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime

from services.fhir.client import Capability, FhirClient, FhirRefusedError
from services.hospital.ehr.applying import Key
from services.hospital.ehr.asks import Ask, instant_text
from services.hospital.ehr.book import Book
from services.hospital.ehr.taking import Taking

BRAKE_SHARE, BRAKE_COUNT = 0.2, 20
"""Where more than this of a type seems to be gone at once, an operator must say so first."""


class Gone:
    """Finds what is gone at one server.

    Args:
        client: of the server; book: of what was read before; taking: of this pass.
        allow: delete even where much seems to be gone.
    """

    def __init__(self, client: FhirClient, book: Book, taking: Taking, *, allow: bool) -> None:
        self._client, self._book, self._taking, self._allow = client, book, taking, allow

    async def after_all(self, asks: Sequence[Ask], whole: Sequence[Ask]) -> None:
        """Look for what was not found though everything was read.

        Args:
            asks: that the connection has.
            whole: those that were read to their end.
        """
        broken = {ask.kind for ask in asks if ask not in whole}
        for kind in sorted({ask.kind for ask in whole} - broken):
            began = self._taking.began
            missing, known = await asyncio.to_thread(self._book.unseen, kind, began)
            if len(missing) > max(BRAKE_COUNT, BRAKE_SHARE * known) and not self._allow:
                self._taking.outcome.troubles.append(f"{kind}: mass-deletion")
            else:
                await self._confirm(missing)

    async def since(self, moment: datetime, whole: Sequence[Ask], capability: Capability) -> None:
        """Look for what the histories of types say was deleted since a moment."""
        for kind in sorted({ask.kind for ask in whole}):
            if capability.offers(kind, "history-type"):
                await self._confirm(await self._ended(kind, moment))

    async def _ended(self, kind: str, moment: datetime) -> Sequence[Key]:
        history = self._client.history(kind, {"_since": instant_text(moment)})
        try:
            async for _ in history:
                pass
        except FhirRefusedError:
            return ()  # everything is read now and then, too
        names = (name.partition("/") for name in history.deleted)
        keys = {(named, id_) for named, _, id_ in names if named == kind}
        return sorted(await asyncio.to_thread(self._book.known, keys))

    async def _confirm(self, keys: Sequence[Key]) -> None:
        for kind, id_ in keys:
            await self._taking.confirm(kind, id_)
