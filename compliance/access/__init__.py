"""Access: what a credential may read, who may open whose chart, and the proof of a second factor.

Workflow. A program's key carries `Scopes`, written as SMART scopes, and may be bound to one
patient; a request that no scope covers is refused. A person opens a chart only in a treatment
relation, or by breaking the glass (`breakglass`): with a reason, for a short time, and with a
review afterwards. A password alone is not enough where the policy asks for a second factor
(`totp`).

Example:
    >>> scopes = Scopes.parse("patient/Observation.rs chat", patient="p01")
    >>> scopes.allows("Observation", "r"), scopes.allows("Condition", "r"), scopes.has("chat")
    (True, False, True)
"""

from compliance.access.breakglass import BrokenGlass
from compliance.access.scopes import Scopes

__all__ = ["BrokenGlass", "Scopes"]
