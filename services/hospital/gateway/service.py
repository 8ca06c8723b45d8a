"""The gateway of one hospital: which models there are, and who answers a request."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.responses import Response

from compliance.errors import CaretierError, NotFoundError
from services.consult.messages import Triage
from services.consult.node import Node
from services.engines.errors import EngineUnavailableError
from services.engines.protocol import Engine
from services.experts import Choice, Expert, Experts, Gate
from services.experts.expert import NOT_AN_ANSWER
from services.hospital.gateway.asker import AUTO, BASE, MODEL, ModelUser
from services.hospital.gateway.backend import Backend
from services.hospital.gateway.call import Part
from services.hospital.gateway.consult import answered, question_of
from services.hospital.gateway.experts import Audit, ExpertDesk
from services.hospital.gateway.in_process import InProcessBackend
from services.hospital.gateway.look import look
from services.hospital.gateway.request import ExpertChat
from services.hospital.gateway.served import Leases, ServedBackend
from services.hospital.gateway.settings import GatewaySettings

AGAIN_SECONDS = 30.0
_LOG = logging.getLogger("caretier.gateway")


@runtime_checkable
class Starts(Protocol):
    """An engine that is started before it is needed."""

    async def start(self) -> None:
        """Start, and wait until it can answer; nothing where it has started."""
        ...


class _Named(BaseModel):
    """Which model a request names."""

    model_config = ConfigDict(extra="ignore")

    model: str = MODEL


class Gateway:
    """Answers chat requests.

    Args:
        experts: which are pushed.
        node: runs the consult path, and holds the engine.
        audit: writes down who asks which model before anything is answered.
        settings: limits.
    """

    def __init__(
        self,
        experts: Experts,
        node: Callable[[], Node],
        *,
        audit: Audit,
        settings: GatewaySettings | None = None,
    ) -> None:
        self.experts, self._node, self._audit = experts, node, audit
        self._settings = settings or GatewaySettings()
        self._made: tuple[Engine, Backend] | None = None
        self._gate: Gate | None = None
        self.desk = ExpertDesk(
            experts, self._backend, look=self._look, audit=audit, settings=self._settings
        )

    def models(self, user: ModelUser) -> list[dict[str, Any]]:
        """The models that a caller may name, in OpenAI's shape."""
        found = [_card(MODEL, "caretier")] if user.may_name(MODEL) else []
        if self._node().engine is None:
            return found
        experts = [expert for expert in self.experts.ready() if user.may_name(expert.id)]
        if experts and user.may_name(AUTO):
            found.append(_card(AUTO, "caretier", notice=NOT_AN_ANSWER))
        found += map(_of, experts)
        if user.may_name(BASE):
            found.append(_card(BASE, "engine", notice=NOT_AN_ANSWER))
        return found

    def model(self, id_: str, user: ModelUser) -> dict[str, Any]:
        """One of them.

        Raises:
            NotFoundError: there is none of this name, or not for this caller.
        """
        found = next((card for card in self.models(user) if card["id"] == id_), None)
        if found is None:
            raise _no_such_model()
        return found

    async def complete(self, raw: bytes, user: ModelUser) -> Response:
        """Answer the body of a chat request.

        Raises:
            NotFoundError: there is no such model, or not for this caller.
            BadInputError, ChatRequestError: it is not as it has to be.
            RateLimitError: the caller has sent too much.
            AuditError: it could not be written down; nothing is answered.
        """
        model = _model_of(raw)
        if not user.may_name(model):
            raise _no_such_model()
        if model == MODEL:
            return await self._consult(raw, user)
        chat = ExpertChat.read(raw)
        return self.desk.take(await self._parts(chat, user), user)

    async def choose(self, text: str) -> tuple[Choice, ...]:
        """What the gate says of a question, part by part."""
        return await asyncio.to_thread(self.gate.plan, text, self.experts.ready())

    @property
    def gate(self) -> Gate:
        """Chooses experts; made at its first use."""
        if self._gate is None:
            self._gate = Gate.load(self._node().index.embedder)
        return self._gate

    async def keep(self) -> None:
        """Start the engine where it wants to be, and hold what was pushed; until cancelled.

        An engine that is away, or an expert that it does not take, is tried again and again; the
        consult path does not wait for either.
        """
        while True:
            try:
                engine = self._node().engine
                if isinstance(engine, Starts):
                    await engine.start()
                await self.experts.restore()
            except CaretierError as error:
                _LOG.warning("the engine is not ready: %s", error.kind)
            except Exception as error:  # noqa: BLE001 - a loop that dies leaves experts away
                _LOG.error("experts: %s", type(error).__name__)
            await asyncio.sleep(AGAIN_SECONDS)

    async def close(self) -> None:
        """Close the connections to the engine."""
        if self._made is not None:
            await self._made[1].close()

    async def _consult(self, raw: bytes, user: ModelUser) -> Response:
        question, stream = question_of(raw)
        headers = self.desk.limits.admit(user.id, self.desk.allowance(user))
        await run_in_threadpool(self._audit, user.caller, question.id, MODEL)
        headers["x-request-id"] = question.id
        return await answered(self._node(), question, headers, stream=stream)

    async def _parts(self, chat: ExpertChat, user: ModelUser) -> list[Part]:
        """Which experts a request goes to; ``auto`` is planned by the gate.

        A part of the question that no expert is there for, or one that the caller may not name, is
        not put to one of another field: it stays unanswered, and ``POST /v1/gate/explain`` names
        it.
        """
        if chat.model == BASE:
            return [Part(None, chat)]
        if chat.model != AUTO:
            return [Part(self.experts.get(chat.model).id, chat)]
        plan = await self.choose(chat.said)
        taken = [c for c in plan if c.expert is not None and user.may_name(c.expert)]
        if not taken:
            raise NotFoundError(
                "No expert fits this conversation.",
                remedy="Name one yourself; POST /v1/gate/explain says how the gate chooses.",
            )
        if len(plan) == 1 or not chat.is_plain:
            return [Part(taken[0].expert, chat)]
        return [Part(choice.expert, chat.asking(choice.text)) for choice in taken]

    def _look(self, text: str) -> Triage:
        return look(self._node().triage, text)

    def _backend(self) -> Backend:
        """What asks the engine that the node has now."""
        engine = self._node().engine
        if engine is None:
            raise EngineUnavailableError("This hospital runs without an engine.")
        if self._made is None or self._made[0] is not engine:
            made: Backend = (
                ServedBackend(engine, idle=self._settings.idle)
                if isinstance(engine, Leases)
                else InProcessBackend(engine, seconds=self._settings.seconds)
            )
            self._made = (engine, made)
        return self._made[1]


def _model_of(raw: bytes) -> str:
    """The model that a body names; what cannot be read is refused by whoever reads all of it."""
    try:
        return _Named.model_validate_json(raw).model
    except ValidationError:
        return MODEL


def _no_such_model() -> NotFoundError:
    return NotFoundError(
        "There is no model of this name, or not for you.", remedy="Ask GET /v1/models."
    )


def _card(id_: str, owner: str, created: int = 0, **more: Any) -> dict[str, Any]:
    return {"id": id_, "object": "model", "created": created, "owned_by": owner, **more}


def _of(expert: Expert) -> dict[str, Any]:
    return _card(expert.id, "experts", int(expert.pushed.timestamp()), caretier=expert.card())
