"""Routes for a person's results, below ``/api``."""

from typing import Any

from fastapi import APIRouter

from patient_app.leaflets import Leaflets
from patient_app.results.explained import explained
from patient_app.service import Device


def results_routes(router: APIRouter, device: Device, Mine: Any) -> None:  # noqa: N803 - a type
    """Add them to the device's API."""
    held: list[Leaflets] = []

    def leaflets() -> Leaflets:
        knowledge = device.node.index.knowledge
        if not held or held[0].digest != knowledge.digest:
            held[:] = [Leaflets(knowledge, "test")]
        return held[0]

    @router.get("/results")
    def results(member: Mine) -> dict[str, Any]:
        """Every test with its results over time, its range and what it is for."""
        return explained(member, leaflets())
