"""The calls that vLLM has beside those of OpenAI: is it well, what does it hold, load, unload."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from services.engines.errors import EngineError, EngineUnavailableError
from services.engines.http import Served, typed_errors
from services.engines.vllm.metrics import Figures, read_figures

WELL_SECONDS = 5.0
"""A server that takes longer to say that it is well is not."""
LOAD_SECONDS = 120.0
"""Time for one adapter; it is read from a disk and copied to every worker."""


@dataclass(frozen=True)
class Listed:
    """A model of the server: where it was read from, and for an adapter the name of its base."""

    root: str
    parent: str | None


class ServerCalls:
    """Makes these calls with a client that is shared with the requests."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def well(self, url: str, key: str) -> bool:
        """Whether the server at ``url`` answers that it is well."""
        served = Served(url, "", {"authorization": f"Bearer {key}"})
        try:
            reply = await self._client.get(
                f"{_root(served)}/health", headers=served.headers, timeout=WELL_SECONDS
            )
        except httpx.HTTPError:
            return False
        return reply.is_success

    async def models(self, served: Served) -> dict[str, Listed]:
        """What the server lists, by name.

        Raises:
            EngineUnavailableError: it does not answer as such a server does.
        """
        with typed_errors():
            reply = await self._client.get(
                f"{served.url}/models", headers=served.headers, timeout=WELL_SECONDS
            )
        try:
            reply.raise_for_status()
            found = reply.json()["data"]
            return {m["id"]: Listed(str(m.get("root")), m.get("parent")) for m in found}
        except (httpx.HTTPError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise EngineUnavailableError(
                f"The server does not list its models ({reply.status_code})."
            ) from error

    async def load(self, served: Served, name: str, path: Path) -> None:
        """Load an adapter; the same one, loaded already, is left as it is.

        The last part of ``path`` tells its content, wherever the folder is that it stands in.

        Raises:
            NoAdaptersError: the server cannot load any.
            EngineError: it cannot load this one.
        """
        body = {"lora_name": name, "lora_path": str(path)}
        reply = await self._post(served, "load_lora_adapter", body)
        if reply.is_success:
            return
        listed = (await self.models(served)).get(name)
        if listed is not None and Path(listed.root).name == path.name:
            return
        reason = _reason(reply)
        if reply.status_code in {404, 405} and not reason:  # there is no such route
            raise NoAdaptersError("The server was started without loading adapters at run time.")
        if "lora is not enabled" in reason.lower():
            raise NoAdaptersError("The server was started without adapters.")
        raise EngineError(
            f"The server cannot load {name}: {reason or reply.status_code}",
            remedy="Compare the adapter's rank and parts with the server's settings; look at its"
            " log.",
        )

    async def unload(self, served: Served, name: str) -> None:
        """Make the server forget an adapter; one that it does not have is no error.

        Raises:
            EngineUnavailableError: it cannot be reached.
        """
        await self._post(served, "unload_lora_adapter", {"lora_name": name})

    async def figures(self, served: Served) -> Figures:
        """What the server measures of itself.

        Raises:
            EngineUnavailableError: it cannot be reached.
        """
        with typed_errors():
            reply = await self._client.get(
                f"{_root(served)}/metrics", headers=served.headers, timeout=WELL_SECONDS
            )
        return read_figures(reply.text if reply.is_success else "")

    async def _post(self, served: Served, route: str, body: dict[str, Any]) -> httpx.Response:
        with typed_errors():
            return await self._client.post(
                f"{served.url}/{route}", json=body, headers=served.headers, timeout=LOAD_SECONDS
            )


class NoAdaptersError(EngineError):
    """The server cannot load adapters at all."""

    remedy = (
        "Start it with --enable-lora and VLLM_ALLOW_RUNTIME_LORA_UPDATING=True, or leave"
        " CARETIER_VLLM_URL away so that Caretier starts one."
    )


def _root(served: Served) -> str:
    return served.url.removesuffix("/v1")


def _reason(reply: httpx.Response) -> str:
    """The server's own sentence on an adapter; it knows no prompt here."""
    try:
        return str(reply.json()["error"]["message"])[:300]
    except (ValueError, KeyError, TypeError):
        return ""
