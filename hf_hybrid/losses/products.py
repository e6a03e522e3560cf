"""Matrix products of the loss on a CPU by oneDNN rather than by MKL.

torch sends its products to MKL, whose kernels for processors of other makers stop at AVX2; oneDNN, which torch brings along
for convolutions, uses AVX-512 on all. On a Zen 5 core the three products of the loss ran at 250 instead of 110 GFLOP/s; both
are float32 throughout. torch reaches oneDNN's product by an operator that its compiler emits; where that is missing, and
for every other device and type, the ordinary product is taken.
"""

from __future__ import annotations

import torch


def product(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """`a @ b.T` of matrices `[m, k]` and `[n, k]`."""
    if uses_onednn(a):
        return torch.ops.mkldnn._linear_pointwise(a, b, None, "none", [], "")
    return a @ b.T


def add_product(out: torch.Tensor, a: torch.Tensor, b: torch.Tensor) -> None:
    """`out += a.T @ b`, in place, of matrices `[k, m]` and `[k, n]`."""
    if uses_onednn(a):
        out.add_(product(a.T, b.T))
    else:
        out.addmm_(a.T, b)


def uses_onednn(a: torch.Tensor) -> bool:
    """Whether products of the matrix go to oneDNN; `torch.backends.mkldnn.flags(enabled=False)` keeps them from it."""
    usable = torch.backends.mkldnn.is_available() and torch.backends.mkldnn.enabled
    return (
        usable
        and a.device.type == "cpu"
        and a.dtype == torch.float32
        and hasattr(torch.ops.mkldnn, "_linear_pointwise")
    )
