"""A consult that the person no longer wants in their history."""

from typing import Any

from fastapi import APIRouter

from compliance.errors import BadInputError, NotFoundError
from patient_app import signals
from patient_app.member import Member


def remove(member: Member, consult: str) -> None:
    """Delete a question with its answer, what was said of it here, and its unsent previews.

    What left the device stays in the ledger: that it left does not become untrue.

    Raises:
        NotFoundError: there is no such consult.
        BadInputError: it is on its way, and the answer would find nothing to belong to.
    """
    vault = member.vault
    previews = [id_ for id_, row in vault.items("preview") if row.get("consult") == consult]
    with vault.write() as tx:
        kept = tx.get("consult", consult)
        if kept is None:
            raise NotFoundError("There is no such consult.")
        if tx.get("outbox", consult) is not None:
            raise BadInputError(
                "This question is on its way, so it cannot be deleted yet.",
                remedy="Wait for the answer, or withdraw the consent in Settings.",
            )
        tx.delete("consult", consult)
        said = tx.get(signals.KIND, consult)
        if said is not None and said["state"] not in signals.GONE:
            tx.delete(signals.KIND, consult)
        for id_ in previews:
            tx.delete("preview", id_)


def history_routes(
    router: APIRouter,
    Mine: Any,  # noqa: N803 - a type
) -> None:
    """Add deleting to the device's API; the page waits some seconds, in which it can be undone."""

    @router.delete("/consults/{consult}")
    def delete(consult: str, member: Mine) -> dict[str, bool]:
        """Delete one consult for good."""
        remove(member, consult[:64])
        return {"deleted": True}
