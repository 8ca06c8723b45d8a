"""A node's line to the parent that learns: what is taken now, sending a change, taking it back.

with ContributionLine(url, identity, peer) as line:
    for standing in line.standings():
        line.send(path)
"""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Self

import httpx
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from compliance.errors import CaretierError, NotFoundError
from compliance.sealing import IdentityKey
from services.bricks.manifest import BrickId, BrickRef
from services.exchange.errors import LinkDownError, NotAuthenticatedError
from services.exchange.tokens import sign_call
from services.learning.errors import ContributionRefusedError

PATH = "/v1/contributions"
SECONDS = 60.0
"""A contribution has some megabytes, and a clinic's line may be thin."""
_PASSING = frozenset({408, 425, 429})
"""Refusals that may be none the next time."""


class Standing(BaseModel):
    """What contributions of a domain stand on now: the epoch, and the brick of its last release."""

    model_config = ConfigDict(frozen=True)

    domain: BrickId
    epoch: int = Field(ge=0)
    parent: BrickRef | None = None


class Standings(BaseModel):
    """That of every domain in which something is learned (``GET /v1/contributions``)."""

    model_config = ConfigDict(frozen=True)

    standings: tuple[Standing, ...]


class ContributionLine:
    """Calls to one parent, each signed by this node.

    Args:
        url: base address of the parent.
        identity: key of the calling node.
        peer: fingerprint of the parent.
        transport: for tests.
    """

    def __init__(
        self,
        url: str,
        identity: IdentityKey,
        peer: str,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._identity, self._peer = identity, peer
        self._client = httpx.Client(
            base_url=url, timeout=SECONDS, transport=transport, trust_env=False
        )

    def standings(self) -> tuple[Standing, ...]:
        """What is taken now.

        Raises:
            LinkDownError: the parent cannot be reached, or does not learn.
            NotAuthenticatedError: this node is not enrolled there.
        """
        reply = self._call("GET", PATH)
        try:
            return Standings.model_validate_json(reply.content).standings
        except ValidationError as error:
            raise LinkDownError("The tier above answered something else.") from error

    def send(self, path: Path) -> None:
        """Send a contribution; sending it again changes nothing.

        Raises:
            ContributionRefusedError: it is not taken, and never will be.
            LinkDownError, NotAuthenticatedError: see `standings`; it may be taken later.
        """
        self._call("POST", PATH, path.read_bytes())

    def withdraw(self, id_: str) -> None:
        """Take a contribution back: the parent makes anew, without it, what it was used in.

        Raises:
            NotFoundError: the parent has none of that id from this node.
            LinkDownError, NotAuthenticatedError: see `standings`.
        """
        self._call("DELETE", f"{PATH}/{id_}")

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _call(self, method: str, path: str, body: bytes = b"") -> httpx.Response:
        token = sign_call(self._identity, audience=self._peer, method=method, path=path, body=body)
        headers = {"authorization": f"Bearer {token}", "content-type": "application/octet-stream"}
        try:
            reply = self._client.request(method, path, content=body, headers=headers)
        except httpx.HTTPError as error:
            raise LinkDownError("The tier above cannot be reached.") from error
        if not reply.is_success:
            raise _error(reply)
        return reply


def _error(reply: httpx.Response) -> CaretierError:
    """The error of a problem document; what can pass by itself counts as a dead line."""
    try:
        problem = reply.json()
        slug = str(problem["type"]).rsplit(":", 1)[-1]
        detail = str(problem.get("detail") or problem.get("title") or "")[:300]
    except (ValueError, KeyError, TypeError):
        slug, detail = "", ""
    if reply.status_code == httpx.codes.UNAUTHORIZED:
        return NotAuthenticatedError(detail or "The tier above does not know this node.")
    if reply.status_code == httpx.codes.NOT_FOUND and reply.request.method == "DELETE":
        return NotFoundError("The tier above has no contribution of that id from this node.")
    if slug == ContributionRefusedError.kind:
        reason, _, said = detail.partition(": ")
        return ContributionRefusedError(said or detail, reason=reason[:48])
    if reply.status_code in _PASSING or reply.is_server_error or reply.request.method != "POST":
        return LinkDownError(f"The tier above answered {reply.status_code}.")
    if reply.status_code == httpx.codes.NOT_FOUND:
        return LinkDownError("The tier above does not take contributions.")
    return ContributionRefusedError(detail or "It is not taken.", reason=slug or "refused")
