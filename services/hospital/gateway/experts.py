"""Chat with an expert: raw words of a model, passed through as they come.

What happens to a request, in this order: its shape is checked; the key's limits are counted; it
waits for a slot; the call goes on the audit trail and triage looks at the user's last words; then
the engine is asked. Where any of it fails, no model has been asked.

An expert's words are no medical answer, and every answer says so in ``x-caretier-notice``. Triage
does not stop a raw call, since programs also test with emergencies: what it found stands in
``x-caretier-triage``, in the field ``caretier`` of a whole completion, and in the metrics.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import secrets
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from functools import partial
from typing import Any

from fastapi.concurrency import run_in_threadpool

from services.consult.messages import Triage, Urgency
from services.engines.errors import EngineError, EngineTimeoutError
from services.experts import Experts
from services.hospital.audited import Caller
from services.hospital.gateway import several
from services.hospital.gateway.asker import ModelUser
from services.hospital.gateway.backend import Backend, usage_of
from services.hospital.gateway.call import Call, Part
from services.hospital.gateway.limits import Allowance, Limits
from services.hospital.gateway.metrics import GatewayMetrics
from services.hospital.gateway.relay import Out, Relay
from services.hospital.gateway.settings import GatewaySettings
from services.hospital.gateway.slots import Slots

NOTICE = "raw model output, no medical answer"
_USAGE = (b'"choices":[]', b'"choices": []')
Look = Callable[[str], Triage]
"""Triage of a message; never raises."""
Audit = Callable[[Caller, str, str], None]
"""Writes down who asks, under which id, and which model; raises where it cannot."""


class ExpertDesk:
    """Takes chat requests for experts.

    Args:
        experts: which are pushed.
        backend: asks the engine; raises EngineUnavailableError where there is none.
        look: triage of the user's last words.
        audit: writes the call down.
        settings: limits.
    """

    def __init__(
        self,
        experts: Experts,
        backend: Callable[[], Backend],
        *,
        look: Look,
        audit: Audit,
        settings: GatewaySettings,
    ) -> None:
        self._experts, self._backend, self._look, self._audit = experts, backend, look, audit
        self._settings = settings
        self.limits = Limits()
        self.slots = Slots(settings.running, settings.waiting, settings.patience)
        self.metrics = GatewayMetrics()
        self._secret = secrets.token_bytes(32)

    def allowance(self, user: ModelUser) -> Allowance:
        """What a caller may send a minute."""
        return user.allowance(self._settings.requests, self._settings.tokens)

    def take(self, asked: Sequence[Part], user: ModelUser) -> Relay:
        """Count a request and return what will answer it.

        Args:
            asked: what is asked of whom, as it was sent; several parts take plain words alone.
            user: who asks, and may.

        Raises:
            ChatRequestError: more tokens are asked for than an answer may have.
            RateLimitError: the key has sent too much.
        """
        ceiling, salt = self._settings.max_tokens, self._salt(user)
        parts = tuple(Part(part.expert, part.chat.limited(ceiling, salt)) for part in asked)
        call = Call(parts, user, self.allowance(user), asked[0].chat.wants_usage)
        headers = self.limits.admit(user.id, call.allowance, call.reserve())
        headers |= {"x-request-id": call.id, "x-caretier-model": ", ".join(call.names)}
        return Relay(
            partial(self._answer, call, headers), partial(self.metrics.ended, call.label), headers
        )

    def _salt(self, user: ModelUser) -> str:
        """What keeps a key from learning, by the time it takes, what another has asked before."""
        return hmac.digest(self._secret, user.id.encode(), "sha256").hex()

    async def _answer(self, call: Call, headers: dict[str, str], out: Out) -> None:
        try:
            async with self._slot(call), self._in_time():
                found = await run_in_threadpool(self._before, call)
                headers |= {"x-caretier-notice": NOTICE, "x-caretier-triage": _told(found)}
                call.used = call.prompt_size()
                with call.using(self._experts):
                    if call.streams:
                        await self._stream(call, headers, out)
                    else:
                        await self._whole(call, headers, found, out)
        finally:
            self.limits.settle(call.user.id, call.allowance, call.reserve(), call.used)
            self.metrics.used(call.label, call.used)

    def _before(self, call: Call) -> Triage:
        """Write the call down and look for red flags, before anything is answered."""
        for name in call.names:
            self._audit(call.user.caller, call.id, name)
        said = " ".join(part.chat.said for part in call.parts).strip()
        found = self._look(said) if said else Triage()
        if found.level is not Urgency.ROUTINE:
            self.metrics.red_flag(found.level)
        return found

    async def _whole(self, call: Call, headers: dict[str, str], found: Triage, out: Out) -> None:
        """Send a completion as the engine wrote it, with our own field in front."""
        body = await several.whole(self._backend(), call.parts)
        if body[:1] != b"{":
            raise EngineError("The engine's server sent no completion.")
        call.used = usage_of(body) or call.used
        own: dict[str, Any] = {"notice": NOTICE, "model": ", ".join(call.names)}
        own["triage"] = found.model_dump(mode="json")
        if len(call.parts) > 1:
            own["parts"] = [{"model": p.name, "text": p.chat.said} for p in call.parts]
        whole = b'{"caretier":' + json.dumps(own).encode() + b"," + body[1:]
        size = {"content-type": "application/json", "content-length": str(len(whole))}
        await out.start(200, headers | size)
        await out.end(whole)

    async def _stream(self, call: Call, headers: dict[str, str], out: Out) -> None:
        """Send the events as they come; what was used only to those who asked for it."""
        kind = {"content-type": "text/event-stream; charset=utf-8"}
        async with aclosing(several.stream(self._backend(), call.parts)) as events:
            async for event in events:
                if out.status is None:
                    await out.start(200, headers | kind)
                if any(mark in event for mark in _USAGE):
                    call.used = usage_of(event.removeprefix(b"data:")) or call.used
                    if not call.wants_usage:
                        continue
                else:
                    call.used += 1
                await out.part(event)
        if out.status is None:
            raise EngineError("The engine's server sent no events.")
        await out.end()

    @asynccontextmanager
    async def _slot(self, call: Call) -> AsyncIterator[None]:
        began = time.monotonic()
        async with self.slots.slot(call.user.id):
            self.metrics.waited(time.monotonic() - began)
            yield

    @asynccontextmanager
    async def _in_time(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self._settings.seconds):
                yield
        except TimeoutError:
            message = f"The answer took longer than {self._settings.seconds:g} s."
            raise EngineTimeoutError(message) from None


def _told(found: Triage) -> str:
    """Triage in a header: ``emergency; rule=chest-pain``."""
    return f"{found.level}; rule={found.rule}" if found.rule else str(found.level)
