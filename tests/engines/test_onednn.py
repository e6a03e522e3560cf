"""Products by oneDNN equal the ordinary ones, in linear layers with their gradients, and leave alone what is not
theirs.
"""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from hf_hybrid.engines.onednn import _Linear, add_product, onednn_layers, product, uses_onednn

needs_onednn = pytest.mark.skipif(not uses_onednn(torch.ones(1, 1)), reason="this torch has no oneDNN products")


@pytest.mark.parametrize(("m", "n", "d"), [(1, 1, 1), (3, 5, 7), (65, 130, 33), (256, 300, 64)])
def test_products_of_onednn_equal_the_ordinary_ones(m, n, d):
    generator = torch.Generator().manual_seed(m)
    a, b, c = (torch.randn(*shape, generator=generator) for shape in ((m, d), (n, d), (m, n)))
    close = {"rtol": 1e-5, "atol": 1e-5 * d**0.5}
    torch.testing.assert_close(product(a, b), a @ b.T, **close)
    torch.testing.assert_close(product(c, b.T), c @ b, **close)
    total = b.clone()
    add_product(total, c, a)
    torch.testing.assert_close(total, b + c.T @ a, rtol=1e-5, atol=1e-5 * m**0.5)


@needs_onednn
def test_onednn_gets_matrices_without_gaps(monkeypatch):
    """Of every second row of a batch it makes products by its reference code: 1,024 rows took 10.8 s, not 9 ms."""
    got, real = [], torch.ops.mkldnn._linear_pointwise

    def watched(a, b, *rest):
        got.extend((a, b))
        return real(a, b, *rest)

    monkeypatch.setattr(torch.ops.mkldnn, "_linear_pointwise", watched)
    texts = torch.randn(8, 2, 5, generator=torch.Generator().manual_seed(0))
    queries, passages, columns = texts[:, 0], texts[:, 1], texts.flatten(1)[:, 3:8]
    for a, b in (
        (queries, passages),
        (passages, columns),
        (queries.T, passages.T),
        (queries[:1].expand(8, 5), columns),
    ):
        torch.testing.assert_close(product(a, b), a @ b.T)
    weight = torch.randn(3, 5).requires_grad_()
    _Linear.apply(texts[:, 1], weight, None).sum().backward()
    torch.testing.assert_close(weight.grad, passages.sum(0).expand(3, 5))
    assert len(got) >= 12 and all(one.is_contiguous() or one.T.is_contiguous() for one in got)


def test_added_products_are_made_in_blocks(monkeypatch):
    generator = torch.Generator().manual_seed(0)
    a, b = torch.randn(30, 50, generator=generator), torch.randn(30, 20, generator=generator)
    expected, found = torch.zeros(50, 20), torch.zeros(50, 20)
    add_product(expected, a, b)
    monkeypatch.setattr("hf_hybrid.engines.onednn.BLOCK_ELEMENTS", 7 * 20)
    add_product(found, a, b)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


def test_only_float32_on_a_cpu_goes_to_onednn():
    assert not uses_onednn(torch.ones(2, 2, dtype=torch.float64))
    assert not uses_onednn(torch.ones(2, 2, device="meta"))
    with torch.backends.mkldnn.flags(enabled=False):
        assert not uses_onednn(torch.ones(2, 2))
        assert torch.equal(product(torch.ones(2, 3), torch.ones(4, 3)), torch.full((2, 4), 3.0))


def layers(bias: bool = True) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(128, 256, bias), nn.GELU(), nn.Linear(256, 128, bias))


def gradients(model: nn.Module, inputs: torch.Tensor, through=lambda model, x: model(x)) -> list[torch.Tensor]:
    model, inputs = copy.deepcopy(model), inputs.clone().requires_grad_()
    output = through(model, inputs)
    (output * torch.linspace(-1, 1, output.numel()).view(output.shape)).sum().backward()
    return [output.detach(), inputs.grad, *(p.grad for p in model.parameters() if p.requires_grad)]


def by_onednn(node: torch.autograd.graph.Node) -> bool:
    return type(node).__name__ == "_LinearBackward"


@needs_onednn
@pytest.mark.parametrize("shape", [(300, 128), (4, 75, 128)])
@pytest.mark.parametrize("bias", [True, False])
def test_linear_layers_have_the_same_outputs_and_gradients(shape, bias):
    model, inputs = layers(bias), torch.randn(shape)
    expected = gradients(model, inputs)
    with onednn_layers(model):
        assert by_onednn(model(inputs).grad_fn)
        found = gradients(model, inputs)
        again = gradients(model, inputs, lambda m, x: checkpoint(m, x, use_reentrant=False))
    for got, twice, want in zip(found, again, expected, strict=True):
        torch.testing.assert_close(got, want, rtol=1e-4, atol=1e-4)
        assert torch.equal(got, twice)
    assert not by_onednn(model(inputs).grad_fn)
    assert {type(layer) for layer in model} == {nn.Linear, nn.GELU}


@needs_onednn
def test_frozen_weights_get_no_gradient():
    model, inputs = layers(), torch.randn(300, 128)
    model[0].requires_grad_(False)
    expected = gradients(model, inputs)
    with onednn_layers(model):
        found = gradients(model, inputs)
    assert len(found) == len(expected) == 4
    for got, want in zip(found, expected, strict=True):
        torch.testing.assert_close(got, want, rtol=1e-4, atol=1e-4)


@needs_onednn
def test_gradients_are_those_of_finite_differences():
    """In float32: a step of 0.01 along a random direction changes the output's sum as the gradient says."""
    torch.manual_seed(1)
    tensors = [torch.randn(40, 24), torch.randn(8, 24), torch.randn(8)]
    leaves = [t.clone().requires_grad_() for t in tensors]
    weights = torch.randn(40, 8)
    found = torch.autograd.grad((_Linear.apply(*leaves) * weights).sum(), leaves)
    for i, gradient in enumerate(found):
        direction = torch.randn_like(tensors[i])
        ends = [[t + sign * 0.01 * direction if j == i else t for j, t in enumerate(tensors)] for sign in (1, -1)]
        up, down = (((x.double() @ w.double().T + b.double()) * weights).sum() for x, w, b in ends)
        torch.testing.assert_close((gradient.double() * direction).sum(), (up - down) / 0.02, rtol=1e-4, atol=1e-3)


def test_what_is_not_float32_or_small_is_left_to_torch():
    model = layers()
    with onednn_layers(model):
        assert not by_onednn(model(torch.randn(2, 128)).grad_fn)
        assert not by_onednn(copy.deepcopy(model).double()(torch.randn(300, 128).double()).grad_fn)
        with torch.autocast("cpu", torch.bfloat16):
            assert model(torch.randn(300, 128)).dtype == torch.bfloat16
        with torch.backends.mkldnn.flags(enabled=False):
            assert not by_onednn(model(torch.randn(300, 128)).grad_fn)
