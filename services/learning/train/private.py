"""Each example's own gradient, clipped, and noise on the sum: DP-SGD for the two thin matrices.

A low-rank factor is a plain linear layer, so one example's gradient is the product of what went
into it and what came back out of it, summed over tokens: one pass over a batch gives all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class ExampleGradients:
    """Listens at linear layers while a batch passes, and makes one private gradient of it.

    Args:
        layers: whose weights are trained.
        clip: greatest length of one example's gradient, over all layers together.
        noise: standard deviation of the noise over ``clip``.
        generator: of the noise, torch's; its seed must not be known to anybody.
    """

    def __init__(self, layers: Sequence[Any], clip: float, noise: float, generator: Any) -> None:
        self._clip, self._noise, self._generator = clip, noise, generator
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

        self._each[layer] = torch.einsum("bto,bti->boi", outputs[0], self._seen.pop(layer))

    def add(self) -> None:
        """Add the clipped gradients of a part of a step's examples.

        Called after the backward pass of the *sum* of their losses.
        """
        import torch

        squares = sum(each.pow(2).sum((1, 2)) for each in self._each.values())
        scale = (self._clip / (squares.sqrt() + 1e-12)).clamp(max=1.0)
        for layer, each in self._each.items():
            part = torch.einsum("b,boi->oi", scale, each)
            self._sum[layer] = self._sum[layer] + part if layer in self._sum else part
            layer.weight.grad = None  # what autograd added up is not clipped
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
            deviation = self._noise * self._clip
            total = torch.normal(0.0, deviation, weight.shape, generator=self._generator)
            if layer in self._sum:
                total = total + self._sum[layer]
            weight.grad = total / expected
        self._sum.clear()

    def close(self) -> None:
        """Listen no more."""
        for hook in self._hooks:
            hook.remove()
