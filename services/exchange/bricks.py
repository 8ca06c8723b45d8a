"""A node's line to the brick repository of the tier above it.

with repository_above(url, identity, peer) as source:
    client = Client(folder, source, limits)
    pin = trust_above(client, hospital)          # at the first time only
"""

from __future__ import annotations

from collections.abc import Mapping

import httpx
from pydantic import ValidationError
from tuf.api.exceptions import DownloadHTTPError

from compliance.sealing import IdentityKey, IdentityPublic
from services.bricks.errors import BrickUntrustedError, RepositoryAwayError
from services.bricks.updater.client import Client
from services.bricks.updater.http import HttpSource
from services.bricks.updater.limits import Limits
from services.bricks.updater.pin import MAX_PIN, RootPin
from services.bricks.updater.said import said
from services.exchange.tokens import sign_call


def repository_above(
    url: str,
    identity: IdentityKey,
    peer: str,
    limits: Limits = Limits(),  # noqa: B008 - frozen
    transport: httpx.AsyncBaseTransport | None = None,
) -> HttpSource:
    """The repository that a parent serves; every call is signed by this node.

    Args:
        url: base address of the parent.
        identity: key of the calling node.
        peer: fingerprint of the parent.
        limits: of time and size.
        transport: for tests.
    """

    def authorise(path: str) -> Mapping[str, str]:
        token = sign_call(identity, audience=peer, method="GET", path=path, body=b"")
        return {"authorization": f"Bearer {token}"}

    return HttpSource(f"{url.rstrip('/')}/bricks", authorise, limits, transport)


def trust_above(client: Client, hospital: IdentityPublic) -> RootPin:
    """Fetch the root that the hospital vouches for, and trust it where none is trusted yet.

    Args:
        client: its source is the parent.
        hospital: the identity that was pinned at enrolment.

    Returns:
        What was fetched, to be handed on to the nodes below.

    Raises:
        BrickUntrustedError: it is not signed by that hospital.
        RepositoryAwayError: it could not be fetched, or there is none yet.
    """
    with said("The root of the repository could not be fetched."):
        try:
            raw = client.source.download_bytes("pin", MAX_PIN)
        except DownloadHTTPError as error:
            if error.status_code == httpx.codes.NOT_FOUND:
                raise RepositoryAwayError("The tier above has no bricks to offer yet.") from None
            raise
    try:
        pin = RootPin.model_validate_json(raw)
    except ValidationError:
        raise BrickUntrustedError("The root of the repository came in no known form.") from None
    root = pin.open(hospital)
    if not client.trusts:
        client.trust(root)
    return pin
