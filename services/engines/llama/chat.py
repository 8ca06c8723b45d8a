"""Lay a prompt out as the model was taught to read a conversation."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from services.engines.errors import EngineUnavailableError

SYSTEM, USER = (f"\ue000{secrets.token_hex(8)}\ue001" for _ in range(2))
"""Stand in for the two texts while the template is rendered; nobody can type them."""
PLAIN = "{{ messages[0].content }}\n\n{{ messages[1].content }}\n"
"""For a model that brings no template."""


class ChatTemplate:
    """The template that a model brings in its own file.

    Args:
        metadata: fields of the GGUF file.
        bos: text of the token that begins a sequence.
        eos: text of the token that ends one.
    """

    def __init__(self, metadata: Mapping[str, str], bos: str, eos: str) -> None:
        from llama_cpp.llama_chat_format import Jinja2ChatFormatter

        self.brought = "tokenizer.chat_template" in metadata
        template = metadata.get("tokenizer.chat_template", PLAIN)
        try:
            self._formatter: Any = Jinja2ChatFormatter(template, eos_token=eos, bos_token=bos)
        except Exception as error:
            raise EngineUnavailableError("The model's chat template cannot be read.") from error

    def around(self) -> tuple[str, str, str]:
        """What stands before the system's text, between the two, and after the user's.

        The texts themselves never pass through the template, so that what looks like a mark of
        turns in them stays what it is: text.

        Raises:
            EngineUnavailableError: the template does not keep the two apart, in this order.
        """
        laid = self._render({"role": "system", "content": SYSTEM}, USER)
        if SYSTEM not in laid:  # a model without a turn for it reads it at the user's beginning
            laid = self._render(None, f"{SYSTEM}\n\n{USER}")
        before, _, after = laid.partition(SYSTEM)
        between, found, behind = after.partition(USER)
        if not found or SYSTEM in after or USER in behind or USER in before:
            raise EngineUnavailableError("The model's chat template is not one of plain turns.")
        return before, between, behind

    def _render(self, system: dict[str, str] | None, user: str) -> str:
        messages = [*([system] if system else []), {"role": "user", "content": user}]
        try:
            laid: str = self._formatter(messages=messages).prompt
        except Exception:  # noqa: BLE001 - templates refuse what they do not know, each its own way
            return ""
        return laid
