"""Several experts at once: who begins and who has answered, as it happens."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping

from services.hospital.opinions.round import Began, Opinion

_LOG = logging.getLogger("caretier.opinions")
Ask = Callable[[Callable[[], None]], Awaitable[Opinion]]
"""Asks one expert; calls what it is given when the expert has its turn."""


async def together(
    asks: Mapping[str, Ask], broken: Callable[[str], Opinion]
) -> AsyncGenerator[Began | Opinion, None]:
    """Ask all at once; closing this cancels those that have not answered.

    Args:
        asks: by id of the expert.
        broken: the opinion of an expert that failed as nobody foresaw.

    Yields:
        Began: when an expert begins; its opinion when it has ended.
    """
    told: asyncio.Queue[Began | Opinion] = asyncio.Queue()

    async def run(id_: str, ask: Ask) -> None:
        try:
            opinion = await ask(lambda: told.put_nowait(Began(id_)))
        except Exception as error:  # noqa: BLE001 - one expert must not end the others
            _LOG.error("expert %s could not be asked: %s", id_, type(error).__name__)
            opinion = broken(id_)
        told.put_nowait(opinion)

    tasks = [asyncio.create_task(run(id_, ask)) for id_, ask in asks.items()]
    left = len(tasks)
    try:
        while left:
            one = await told.get()
            left -= isinstance(one, Opinion)
            yield one
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
