"""Matrix products on a CPU by oneDNN rather than by MKL: of the loss, and of linear layers in training.

torch sends its products to MKL, whose kernels for processors of other makers stop at AVX2; oneDNN, which torch brings
along for convolutions, uses AVX-512 on all. On a Zen 5 core float32 products ran at 250 instead of 110 GFLOP/s. torch
reaches oneDNN's product by an operator that its compiler emits; where that is missing, and for every other device and
type, the ordinary product is taken. `torch.backends.mkldnn.flags(enabled=False)` switches all of it off.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

# Below so many multiplications a product is over before the way around has paid.
LEAST_MULTIPLICATIONS = 1 << 20
# Larger temporaries go back to the kernel after each use, and getting them anew costs as much as the product (glibc:
# 32 MiB).
BLOCK_ELEMENTS = 6 << 20


def product(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """`a @ b.T` of matrices `[m, k]` and `[n, k]`."""
    if uses_onednn(a):
        return torch.ops.mkldnn._linear_pointwise(_dense(a), _dense(b), None, "none", [], "")
    return a @ b.T


def _dense(matrix: torch.Tensor) -> torch.Tensor:
    """The matrix by rows or by columns without gaps: of others, such as every second row of a batch, oneDNN makes the
    product by its reference code, a thousand times slower.
    """
    return matrix if matrix.is_contiguous() or matrix.T.is_contiguous() else matrix.contiguous()


def add_product(out: torch.Tensor, a: torch.Tensor, b: torch.Tensor) -> None:
    """`out += a.T @ b`, in place, of matrices `[k, m]` and `[k, n]`."""
    if not uses_onednn(a):
        out.addmm_(a.T, b)
        return
    rows = max(1, BLOCK_ELEMENTS // max(1, out.shape[1]))
    for start in range(0, len(out), rows):
        out[start : start + rows].add_(product(a[:, start : start + rows].T, b.T))


def uses_onednn(a: torch.Tensor) -> bool:
    """Whether products of the tensor go to oneDNN."""
    usable = torch.backends.mkldnn.is_available() and torch.backends.mkldnn.enabled
    right_kind = a.device.type == "cpu" and a.dtype == torch.float32
    return usable and right_kind and hasattr(torch.ops.mkldnn, "_linear_pointwise")


class OneDnnLinear(nn.Linear):
    """A linear layer whose products oneDNN makes, forward and backward.

    Left to torch: autocast, weights that an engine keeps in pieces, small products, everything that is not float32 on
    a CPU.
    """

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        if _suits(inputs, self.weight, self.bias):
            return _Linear.apply(inputs, self.weight, self.bias)
        return super().forward(inputs)


@contextmanager
def onednn_layers(model: nn.Module) -> Iterator[None]:
    """Make the model's linear layers `OneDnnLinear` within the block; weights, names and hooks stay as they are.

    Example:
        >>> model = nn.Sequential(nn.Linear(256, 256))
        >>> with onednn_layers(model):
        ...     model(torch.ones(64, 256)).sum().backward()
        >>> type(model[0]).__name__, model[0].weight.grad.shape
        ('Linear', torch.Size([256, 256]))
    """
    layers = [module for module in model.modules() if type(module) is nn.Linear]
    for layer in layers:
        layer.__class__ = OneDnnLinear
    try:
        yield
    finally:
        for layer in layers:
            layer.__class__ = nn.Linear


def _suits(inputs: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None) -> bool:
    plain = type(weight) is nn.Parameter and not hasattr(weight, "ds_id")
    same_type = weight.dtype == torch.float32 and (bias is None or bias.dtype == torch.float32)
    large = inputs.dim() > 1 and inputs.numel() * weight.shape[0] >= LEAST_MULTIPLICATIONS
    return plain and same_type and large and uses_onednn(inputs) and not torch.is_autocast_enabled("cpu")


class _Linear(torch.autograd.Function):
    """`x @ w.T + b` and its gradients."""

    @staticmethod
    def forward(ctx, inputs, weight, bias):
        ctx.save_for_backward(inputs, weight)
        return torch.ops.mkldnn._linear_pointwise(inputs.contiguous(), _dense(weight), bias, "none", [], "")

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, gradient):
        inputs, weight = ctx.saved_tensors
        needs_inputs, needs_weight, needs_bias = ctx.needs_input_grad
        rows = gradient.reshape(-1, gradient.shape[-1])
        return (
            product(rows, weight.T).view(inputs.shape) if needs_inputs else None,
            product(rows.T, inputs.reshape(-1, inputs.shape[-1]).T) if needs_weight else None,
            rows.sum(0) if needs_bias else None,
        )
