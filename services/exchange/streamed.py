"""Contributions as they come in: the body goes to the disk while it comes, never into memory.

receive = StreamedCaller(CallVerifier(...), limit=MAX_BYTES)
node = await receive(request, path)
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import AsyncIterable
from pathlib import Path

from fastapi import Request
from fastapi.concurrency import run_in_threadpool

from services.exchange.routes import opened
from services.exchange.tokens import CallVerifier
from services.learning.errors import ContributionRefusedError


class StreamedCaller:
    """Takes the body of a call and says whose it is.

    Args:
        verifier: of this node.
        limit: largest body in bytes.
    """

    def __init__(self, verifier: CallVerifier, limit: int) -> None:
        self._verifier, self._limit = verifier, limit

    async def __call__(self, request: Request, path: Path) -> str:
        """Write the body to ``path``; returns the fingerprint of the caller.

        Raises:
            NotAuthenticatedError: no enrolled node signed this call and this body.
            ContributionRefusedError: the body is longer than the limit.
        """
        claims = await opened(self._verifier, request)
        digest = await self._write(request.stream(), path)
        return await run_in_threadpool(self._verifier.settle, claims, digest)

    async def _write(self, parts: AsyncIterable[bytes], path: Path) -> bytes:
        total, left = hashlib.sha256(), self._limit
        with path.open("wb") as file:
            async for part in parts:
                left -= len(part)
                if left < 0:
                    most = f"At most {self._limit >> 20} MiB are taken."
                    raise ContributionRefusedError(most, reason="too-large")
                total.update(part)
                await run_in_threadpool(file.write, part)
            file.flush()
            await run_in_threadpool(os.fsync, file.fileno())
        return total.digest()
