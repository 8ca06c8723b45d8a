"""The shape of a model: the few numbers from which its memory and its speed follow."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

KV_BYTES = 2
"""Bytes of a number in the cache of keys and values (half precision)."""
ROW = 256
"""Weights of a block of the K forms; rows that are no multiple of it are kept in another form."""


class Shape(BaseModel):
    """A decoder of the transformer family with gated feed-forward layers.

    Attributes:
        layers: blocks; width: of the residual stream; hidden: of a feed-forward layer.
        heads, kv_heads, head: attention heads, those of keys and values, and the size of one.
        vocabulary: tokens.
        tied: the output layer is the table of embeddings, used twice.
        experts, active_experts: of a mixture; 1 and 1 where there is one feed-forward layer.
        plain: a feed-forward layer of two matrices instead of three.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    layers: int = Field(ge=1, le=1000)
    width: int = Field(ge=64, le=100_000)
    hidden: int = Field(ge=64, le=500_000)
    heads: int = Field(ge=1, le=1000)
    kv_heads: int = Field(ge=1, le=1000)
    head: int = Field(ge=16, le=1024)
    vocabulary: int = Field(ge=256, le=2_000_000)
    tied: bool = False
    experts: int = Field(default=1, ge=1, le=1024)
    active_experts: int = Field(default=1, ge=1, le=1024)
    plain: bool = False

    @property
    def table(self) -> int:
        """Parameters of the table of embeddings."""
        return self.vocabulary * self.width

    @property
    def parameters(self) -> int:
        """All parameters, norms left out (they are less than 0.1 %)."""
        return self.table * (1 if self.tied else 2) + self.layers * self._block(self.experts)

    @property
    def read_per_token(self) -> int:
        """Parameters that the making of one token reads: all but a table only looked up in."""
        return self.table + self.layers * self._block(self.active_experts)

    def cache(self, context: int) -> int:
        """Bytes of keys and values of so many tokens, every layer attending to all of them."""
        return 2 * self.layers * self.kv_heads * self.head * context * KV_BYTES

    def _block(self, experts: int) -> int:
        attention = 2 * self.width * self.head * (self.heads + self.kv_heads)
        feed_forward = (2 if self.plain else 3) * self.width * self.hidden
        return attention + feed_forward * experts
