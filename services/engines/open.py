"""Open the engine that the settings name, and only where words may go there.

A prompt holds the question as it was asked. On a device nothing has been masked yet, so a server
may be named there only on this machine; no setting changes that. Elsewhere a server beyond this
machine must be named twice, as the address and as a host that is allowed, so that a mistyped or a
slipped-in address reaches nobody.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Iterable
from pathlib import Path

import httpx

from services.engines.errors import EngineNotAllowedError
from services.engines.http import HttpEngine
from services.engines.llama import LlamaEngine
from services.engines.llama.prefix import MEGABYTE, PrefixFolder
from services.engines.protocol import Engine
from services.engines.settings import EngineSettings, embedded_model, models_folder

HOSPITAL = "hospital"
DEVICE = "device"
"""The tier where questions are raw; also taken where the caller does not say which tier it is."""


def open_engine(
    settings: EngineSettings, level: str = DEVICE, *, shared: Iterable[str] = ()
) -> Engine | None:
    """Return the engine, or None where the node is set to run without one.

    vLLM runs at the hospital; where the same settings open a clinic or a device, that is on
    llama.cpp. A llama.cpp model is loaded at its first use, so that a node whose answers come from
    the sources alone does not hold its memory.

    Args:
        settings: which engine.
        level: tier of the node; the strictest rule holds when it is left out.
        shared: system parts that are the same for every person and hold nothing of any of them; a
            llama.cpp model keeps what it has read of them, a server keeps its own.

    Raises:
        EngineUnavailableError: the model file is missing, or does not fit into ``memory``.
        EngineNotAllowedError: the server's address is not one that words may go to.
    """
    if settings.kind == "none":
        return None
    if settings.kind == "http":
        require_allowed(settings.url, settings.allowed_hosts, level)
        return _served(settings)
    if settings.kind == "vllm" and level == HOSPITAL:
        return _vllm(settings, level)
    return LlamaEngine(
        Path(settings.model) if settings.model else embedded_model(),
        threads=settings.threads,
        context=settings.context,
        authoring=settings.authoring,
        queue=settings.queue,
        contexts=settings.contexts,
        memory=settings.memory and settings.memory * MEGABYTE,
        prefixes=_prefixes(settings),
        shared=shared,
    )


def require_allowed(
    address: str, hosts: Collection[str], level: str, setting: str = "CARETIER_ENGINE_URL"
) -> None:
    """Refuse an address that questions of this tier must not go to.

    The address is read by the library that will connect, so that both understand it alike.

    Args:
        address: of the server.
        hosts: in lower case, that may be used beyond this machine.
        level: tier of the node.
        setting: where the address stands.

    Raises:
        EngineNotAllowedError: not on this machine and, above the device, not in ``hosts``; or not
            an address of a server at all.
    """
    try:
        url = httpx.URL(address)
    except (httpx.InvalidURL, TypeError):
        url = httpx.URL("")
    if url.scheme not in {"http", "https"} or not url.host or url.userinfo:
        raise EngineNotAllowedError(
            f"{setting} is no plain http or https address of a server.",
            remedy="Give it as http://127.0.0.1:8001/v1, without user name or password.",
        )
    if on_this_machine(url.host):
        return
    if level == DEVICE:
        raise EngineNotAllowedError(
            f"{setting} leads off this device, and questions here are not masked yet.",
            remedy="Run the server on this device (127.0.0.1), or set CARETIER_ENGINE_KIND=llama.",
        )
    if url.host.lower() not in hosts:
        raise EngineNotAllowedError(
            f"{setting} leads to a host that CARETIER_ENGINE_HOSTS does not name.",
            remedy="Name exactly that host in CARETIER_ENGINE_HOSTS if the server is your own.",
        )


def on_this_machine(host: str) -> bool:
    """Whether a host of an address is this machine: ``localhost``, 127.0.0.0/8 or ::1."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _vllm(settings: EngineSettings, level: str) -> Engine:
    from services.engines.vllm import VllmEngine, VllmSettings

    chosen = VllmSettings()
    if chosen.url is not None:
        require_allowed(chosen.url, settings.allowed_hosts, level, "CARETIER_VLLM_URL")
    return VllmEngine(chosen, authoring=settings.authoring)


def _prefixes(settings: EngineSettings) -> PrefixFolder | None:
    if not settings.prefixes:
        return None
    return PrefixFolder(models_folder() / "prefixes", settings.prefixes * MEGABYTE)


def _served(settings: EngineSettings) -> HttpEngine:
    key = settings.api_key.get_secret_value() if settings.api_key else None
    return HttpEngine(
        settings.url,
        settings.model or "caretier",
        api_key=key,
        context=settings.context,
        authoring=settings.authoring,
    )
