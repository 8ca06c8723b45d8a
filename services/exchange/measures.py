"""A node's line to the parent that rolls releases out: it sends counts."""

from __future__ import annotations

from collections.abc import Sequence

import httpx
from pydantic import ValidationError

from compliance.sealing import IdentityKey
from services.exchange.errors import LinkDownError, NotAuthenticatedError
from services.exchange.tokens import sign_call
from services.learning.rollout.measures import Report
from services.learning.rollout.routes import Counted, Reports

PATH = "/v1/measures"
SECONDS = 20.0


def send_measures(
    url: str,
    identity: IdentityKey,
    peer: str,
    reports: Sequence[Report],
    transport: httpx.BaseTransport | None = None,
) -> Counted:
    """Send windows to a parent; sending one again changes nothing.

    Args:
        url: base address of the parent.
        identity: key of the calling node.
        peer: fingerprint of the parent.
        reports: what was counted.
        transport: for tests.

    Raises:
        LinkDownError: the parent gives no answer, or does not take them; to be tried again.
        NotAuthenticatedError: this node is not enrolled there.
    """
    body = Reports(reports=tuple(reports)).model_dump_json().encode()
    token = sign_call(identity, audience=peer, method="POST", path=PATH, body=body)
    headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
    try:
        with httpx.Client(
            base_url=url, timeout=SECONDS, transport=transport, trust_env=False
        ) as client:
            reply = client.post(PATH, content=body, headers=headers)
        if reply.status_code == httpx.codes.UNAUTHORIZED:
            raise NotAuthenticatedError("The tier above does not know this node.")
        if not reply.is_success:
            raise LinkDownError(f"The tier above answered {reply.status_code}.")
        return Counted.model_validate_json(reply.content)
    except httpx.HTTPError as error:
        raise LinkDownError("The tier above cannot be reached.") from error
    except ValidationError as error:
        raise LinkDownError("The tier above answered something else.") from error
