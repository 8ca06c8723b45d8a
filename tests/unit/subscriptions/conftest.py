"""One server with subscriptions, its subscriber at hand."""

from __future__ import annotations

import pytest
from support.hub import Hub

from services.web.outbound import Outbound


@pytest.fixture
async def hub(database, monkeypatch):
    outbound = Outbound(["https://listener.example.org"])
    made = Hub(database, outbound)
    monkeypatch.setattr(outbound, "client", made.heard_by_listener)
    yield made
    await made.client.aclose()
