"""Each example's own gradient, clipped, and noise on the sum: DP-SGD for the two thin matrices.

A low-rank factor is a plain linear layer, so one example's gradient is the product of what went
into it and what came back out of it, summed over tokens: one pass over a batch gives all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class ExampleGradients:
    """Listens at linear layers while a batch passes, and makes one private gradient of it.

    Attributes:
        clip: greatest length of one example's gradient, over all layers together.
        paired: the second half of a batch belongs to the first, row by row: each two are one
            example.

    Args:
        layers: whose weights are trained.
        clip: see above.
        noise: standard deviation of the noise over ``clip``.
        generator: of the noise, torch's; its seed must not be known to anybody.
    """

    def __init__(self, layers: Sequence[Any], clip: float, noise: float, generator: Any) -> None:
        self.clip, self._noise, self._generator = clip, noise, generator
        self.paired = False
        self._layers = layers
        self._seen: dict[Any, Any] = {}
        self._each: dict[Any, Any] = {}
        self._sum: dict[Any, Any] = {}
        self._hooks = [
            hook
            for layer in layers
            for hook in (
                layer.register_forward_hook(self._forward),
                layer.register_full_backward_hook(self._backward),
            )
        ]

    def _forward(self, layer: Any, inputs: Any, _output: Any) -> None:
        self._seen[layer] = inputs[0].detach()

    def _backward(self, layer: Any, _inputs: Any, outputs: Any) -> None:
        import torch

        each = torch.einsum("bto,bti->boi", outputs[0], self._seen.pop(layer))
        self._each[layer] = sum(each.chunk(2)) if self.paired else each

    def lengths(self) -> Any:
        """Length of each example's gradient of the last backward pass.

        That pass is of the *sum* of the examples' losses.
        """
        squares = [each.pow(2).sum((1, 2)) for each in self._each.values()]
        return sum(squares[1:], squares[0]).sqrt()

    def add(self) -> None:
        """Add the clipped gradients of the last backward pass to this step's."""
        import torch

        scale = (self.clip / (self.lengths() + 1e-12)).clamp(max=1.0)
        for layer, each in self._each.items():
            part = torch.einsum("b,boi->oi", scale, each)
            self._sum[layer] = self._sum[layer] + part if layer in self._sum else part
        self.forget()

    def forget(self) -> None:
        """Leave the last backward pass out, and what autograd added up, which is not clipped."""
        for layer in self._layers:
            layer.weight.grad = None
        self._each.clear()

    def finish(self, expected: float) -> None:
        """Set every weight's gradient to what was added, with noise, over ``expected``.

        There is noise also where no example was drawn.

        Args:
            expected: number of examples that a step has on average.
        """
        import torch

        for layer in self._layers:
            weight = layer.weight
            deviation = self._noise * self.clip
            total = torch.normal(0.0, deviation, weight.shape, generator=self._generator)
            if layer in self._sum:
                total = total + self._sum[layer]
            weight.grad = total / expected
        self._sum.clear()

    def close(self) -> None:
        """Listen no more."""
        for hook in self._hooks:
            hook.remove()
