"""`caretier bench robustness` and `bench aggregation`: what hostile nodes can do, and the cost.

Workflow. *Robustness*: a small model is trained on one region of a made-up task and then learns
another one from twenty clients, through low-rank factors that `services.learning.aggregate` puts
together (`bed.py`). Some clients are hostile (`attacks.py`). Each attack is run against each rule
(`cells.py`), held against its bound (`bounds.py`), and shown to the release gate (`gate.py`).
*Aggregation*: contributions of the embedded model's real adapter size are written as files and put
together, one child process a measurement, for time and memory (`scale.py`); the rules' results are
held against Flower's where it is at hand (`flower.py`).
"""

from services.learning.bench.commands import aggregation_app, robustness_app

__all__ = ["aggregation_app", "robustness_app"]
