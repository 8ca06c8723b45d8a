"""Routes of the personal brick."""

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter
from fastapi.concurrency import run_in_threadpool

from patient_app.member import Member
from patient_app.personal import policy, training
from patient_app.service import Device


def personal_routes(
    router: APIRouter,
    device: Device,
    Mine: Any,  # noqa: N803 - a type
) -> None:
    """Add ``/personal`` and what lies below it to the device's API."""

    @router.get("/personal")
    def personal(member: Mine) -> dict[str, Any]:
        """The personal brick: what was chosen, its versions, and the state of its adapter."""
        return _brick(member)

    @router.post("/personal/versions/{version}")
    def put_back(version: int, member: Mine) -> dict[str, Any]:
        """Use a former version of the settings again."""
        policy.put_back(member.vault, version)
        return _brick(member)

    @router.get("/personal/suggestions")
    async def suggestions(member: Mine) -> dict[str, Any]:
        """Questions that this person may want to ask; none before interests or an adapter."""
        return await run_in_threadpool(_suggestions, device, member)

    @router.post("/personal/adapter")
    async def train(member: Mine) -> dict[str, Any]:
        """Train the adapter now; it is taken only when it foresees held-out questions better."""
        return asdict(await run_in_threadpool(training.train_for, member.vault, device.suggester))

    @router.delete("/personal/adapter")
    def forget(member: Mine) -> dict[str, bool]:
        """Delete the adapter."""
        return {"forgotten": training.forget(member.vault)}


def _brick(member: Member) -> dict[str, Any]:
    held = member.vault.get(policy.KIND, training.ADAPTER)
    told = ("trained", "examples", "before", "after")
    return {
        "policy": member.profile,
        "versions": [m.model_dump(mode="json") for m in policy.versions(member.vault)],
        "adapter": {name: held[name] for name in told} if held else None,
    }


def _suggestions(device: Device, member: Member) -> dict[str, Any]:
    chosen = policy.read_policy(member.vault)
    adapter = training.adapter_of(member.vault)
    if not chosen.interests and adapter is None:
        return {"suggestions": []}
    asked = frozenset(training.asked_about(member.vault))
    made = device.suggester.suggest(chosen, adapter, asked)
    return {"suggestions": [asdict(one) for one in made]}
