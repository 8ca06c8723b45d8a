"""What can go wrong with models and adapters beyond a file that cannot be used."""

from __future__ import annotations

from services.bricks.errors import BrickError


class EffectLostError(BrickError):
    """Quantising took away what an adapter had changed; the file is not to be used."""

    kind = "brick-effect-lost"
    remedy = "Use Q4_K_M, Q5_K_M or Q8_0, or keep the adapter beside the base model."
