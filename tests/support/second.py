"""Experts that say what they are told to, and a node that has material for them."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from datetime import UTC, datetime
from types import SimpleNamespace

from services.bricks.knowledge import parse_topic
from services.consult.draft import Drafter
from services.consult.ground import Material, Quote
from services.consult.judge import Judge
from services.consult.messages import Triage, Urgency
from services.engines.protocol import Authoring, Budget, EngineCard
from services.experts.expert import Expert

TEXT = """---
id: flu
title: Flu
kind: disease
written: 2026-11-21
sources:
  - name: Pack
    url: https://example.org/flu
---
## self-care
Rest and drink enough water every day.
Adults may take up to 4 grams of paracetamol in a day.
## when-to-seek-care
Call a doctor if the fever lasts more than 3 days.
"""
TOPIC = parse_topic(TEXT, "flu")
REST, DOSE = TOPIC.passages[0].sentences
CALL = TOPIC.passages[1].sentences[0]
QUOTES = tuple(Quote(p, s, 0.9) for p in TOPIC.passages for s in p.sentences)
INVENTED = "Eat three oranges."


class Scripted:
    """An engine that says what its adapters are told to, or fails as they are told to."""

    def __init__(self, authoring=Authoring.PHRASE, **says):
        self.card = EngineCard("tiny", "sha256:00", 2048, authoring)
        self.says = says
        self.running = self.most = 0

    async def generate(self, prompt, _budget):
        said = self.says[prompt.adapter]
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            if isinstance(said, Exception):
                raise said
            await asyncio.sleep(0 if said is not None else 60)
            yield "\n".join(said)
        finally:
            self.running -= 1

    def adapters(self): ...
    async def hold(self, adapter): ...
    async def let_go(self, name): ...


class Pushed:
    def __init__(self, *names):
        now = datetime.now(UTC)
        self._all = tuple(
            Expert(n, 2, n.title(), n, None, ("en",), "sha256:aa", "sha256:00", 8, now)
            for n in names
        )

    def ready(self):
        return self._all

    @contextmanager
    def using(self, id_):
        yield id_


def a_node(engine, *, reason=None, urgency=Urgency.ROUTINE, also=(), fields=None):
    """A node; ``also`` are further sentences of its material, ``fields`` what fields have."""
    drafter = Drafter(engine, Judge(None), Budget(64, 1))
    quotes = (*QUOTES, *(Quote(TOPIC.passages[1], text, 0.9) for text in also))
    material = Material("what", () if reason else quotes, reason=reason, confidence=0.9)
    held = {field: frozenset({field}) for field in fields or {}}
    knowledge = SimpleNamespace(topics_of=lambda field: held.get(field, frozenset()))

    def ground(_question, _facts=(), within=None):
        return material if within is None else Material("what", tuple(fields[min(within)]))

    grounder = SimpleNamespace(ground=ground, index=SimpleNamespace(knowledge=knowledge))
    triage = SimpleNamespace(assess=lambda _text, _person: Triage(level=urgency))
    return SimpleNamespace(engine=engine, known=(grounder, drafter), triage=triage)
