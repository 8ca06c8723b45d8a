"""The gateway: an OpenAI-compatible API at the hospital.

``GET /v1/models`` and ``POST /v1/chat/completions``. The model ``caretier`` is the consult path:
answers in the sources' own sentences, for keys with the scope ``chat``. The name of an expert (see
`services.experts`) reaches a language model itself, for keys with the scope ``engine`` or
``engine.NAME``; ``auto`` lets the gate choose the expert, ``base`` is the model without any and
needs ``engine.base``. What a raw model says is no medical answer, and every such answer says so.

A client names models of this list and nothing else: what the engine is sent is written anew by us
(`request`), with the name that the registry gave. Limits a minute (`limits`), turns and
back-pressure (`slots`), the audit trail and triage come before any model is asked (`experts`). The
engine's own bytes go out as they come (`served`), or an engine of this process is put into the same
shape (`in_process`). A caller who goes away ends the work (`relay`), and every error is a problem
document that OpenAI's clients understand too (`wire`).

    gateway = Gateway(experts, lambda: node, audit=auditor.chat, settings=GatewaySettings())
    app.include_router(gateway_router(gateway, doors.models))
"""

from services.hospital.gateway.asker import MODEL, ModelUser
from services.hospital.gateway.service import Gateway
from services.hospital.gateway.settings import GatewaySettings

__all__ = ["MODEL", "Gateway", "GatewaySettings", "ModelUser"]
