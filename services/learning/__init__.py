"""Learning: how a parent improves from its children, under a reviewed policy.

Workflow. A node learns from its own signals (`train`), says how private that was (`privacy`), and
sends the change alone (`contribution`). The parent puts what came together so that a few hostile
nodes cannot bend it (`aggregate`), measures the candidate and holds every criterion of the policy
against it (`policy`, `gates`), and lets people decide (`rounds`). `caretier rounds` shows all that.
"""
