"""Experts: adapters that are pushed to an engine and popped from it while it runs, and the gate.

An expert is a brick of kind *adapter* over the engine's base model. The base is frozen: an expert
is trained apart, pushed without touching any other, and taken away again once its last request has
ended. The gate says which expert takes a question, by rule first (a matrix of experts and domains),
by meaning second (cosine above a calibrated threshold); where neither speaks, no expert takes it.
A planner splits a question of several parts and gates each by itself.

    experts = Experts(database, store, lambda: engine)
    await experts.restore()                                # those that were pushed before
    await experts.push("amber@1")
    with experts.using("amber") as expert: ...             # a pop waits until this has ended
    Gate.load(embedder).choose("Is my blood pressure too high?", experts.all()).expert

An expert's words are the raw words of a model. They are no medical answer: those come from sources
alone, by the consult path.
"""

from services.experts.expert import Expert
from services.experts.gate import Choice, Gate
from services.experts.registry import Experts

__all__ = ["Choice", "Expert", "Experts", "Gate"]
