"""Who asks a model, which ones they may name, and how much they may send."""

from __future__ import annotations

from dataclasses import dataclass

from services.hospital.audited import Caller
from services.hospital.gateway.limits import Allowance

MODEL = "caretier"
"""The consult path: answers in the sources' own words."""
BASE = "base"
"""The engine's model without any expert."""
AUTO = "auto"
"""The expert that the gate chooses."""
CHAT, ENGINE = "chat", "engine"
"""Scopes: ``chat`` for the consult path, ``engine`` for every expert, ``engine.NAME`` for one."""


@dataclass(frozen=True)
class ModelUser:
    """A caller of the chat API.

    Attributes:
        caller: as the audit trail names them.
        words: plain scopes.
        requests, tokens: a minute, of the key itself: None where the hospital's hold, 0 for none.
    """

    caller: Caller
    words: tuple[str, ...]
    requests: int | None = None
    tokens: int | None = None

    @property
    def id(self) -> str:
        """Whose limits are counted: the person's or the program's."""
        return (self.caller.person or self.caller.application).id

    @property
    def may_ask(self) -> bool:
        """Whether any model at all may be asked."""
        return any(w == CHAT or w.partition(".")[0] == ENGINE for w in self.words)

    def may_name(self, model: str) -> bool:
        """Whether a model may be named; the bare base needs ``engine.base``."""
        if model == MODEL:
            return CHAT in self.words
        every = ENGINE in self.words and model != BASE
        return every or f"{ENGINE}.{model}" in self.words

    def allowance(self, requests: int, tokens: int) -> Allowance:
        """What holds for this caller, given what holds where a key says nothing."""
        own = (self.requests, requests), (self.tokens, tokens)
        first, second = (given if mine is None else mine for mine, given in own)
        return Allowance(first or None, second or None)
