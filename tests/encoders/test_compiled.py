"""Compiled encoders: packed chunks of one shape make one graph, and loss and gradients stay those of padded texts."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from torch._dynamo.utils import counters
from torch._subclasses.fake_tensor import FakeTensorMode
from transformers import BertConfig, BertModel

from hf_hybrid.data.collator import HybridCollator
from hf_hybrid.data.tokenised import TokenisedPairs
from hf_hybrid.encoders import packed
from hf_hybrid.encoders.compiled import compile_packed, keep_gradients
from hf_hybrid.encoders.fixed_chunk import ChunkSize, pack_filled
from hf_hybrid.encoders.packed import ATTENTION, first_position, register, take_packed
from hf_hybrid.plan.batch_plan import HybridBatchPlan
from hf_hybrid.plan.types import BatchSlice, PlanSettings
from tests.encoders.four_architectures import ARCHITECTURES, assert_same_step, encoder, step

SIZE = ChunkSize(256, 20, 48)


@pytest.fixture(autouse=True)
def one_graph():
    """Whatever would need a second graph, or could not be in one, is an error."""
    torch._dynamo.reset()
    counters.clear()
    with torch._dynamo.config.patch(error_on_recompile=True):
        yield
    torch._dynamo.reset()


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_one_graph_gives_the_padded_steps(folders, pairs, architecture):
    plain = encoder(folders[architecture])
    for name, parameter in plain.named_parameters():
        # Frozen in training: pooling tokens never passes it. Compiled, it would get zeros where it has no gradient.
        parameter.requires_grad_("pooler" not in name)
    model = copy.deepcopy(plain)
    take_packed(model)
    compile_packed(model, SIZE, backend="aot_eager", fullgraph=True)
    data = TokenisedPairs(HybridBatchPlan(pairs, PlanSettings(global_batch_size=12)), plain, num_negatives=2)
    padding = HybridCollator.of(plain, 400)
    filling = HybridCollator.of(plain, 400)
    filling.packed_from, filling.chunk_size = first_position(model), SIZE
    tokens = []
    # Batches of other texts and another number of them, with the gradient cache and without.
    for number, (rows, budget) in enumerate([(12, None), (12, 0.0), (12, 1e5), (7, 0.0)], 1):
        batch = data.__getitems__(BatchSlice(0, number, 0, rows))
        filled = filling(batch)
        assert {chunk["input_ids"].shape for chunk in filled["chunks"]} == {(1, 256)}
        tokens.append(sum(int((chunk["input_ids"] != 1).sum()) for chunk in filled["chunks"]))
        assert_same_step(step(plain, padding(batch)), step(model, filled, budget))
        assert counters["stats"]["unique_graphs"] == 1
    assert len(set(tokens)) == 3 and not counters["graph_break"]


def test_other_texts_run_as_if_nothing_were_compiled(folders):
    model = encoder(folders["distilbert"])
    take_packed(model)
    compile_packed(model, SIZE, backend="aot_eager")
    values, lengths = np.array([9, 5, 6, 7]), np.array([1, 3])
    with torch.no_grad():
        expected = model(pack_filled(values, lengths, SIZE, 1))["sentence_embedding"][:2]
    model(packed.pack(values, lengths))
    model.encode(["padded texts"])
    assert counters["stats"]["unique_graphs"] == 0
    found = model(pack_filled(values, lengths, SIZE, 1))["sentence_embedding"][:2]
    assert counters["stats"]["unique_graphs"] == 1
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)
    assert not [name for name in model.state_dict() if "_orig_mod" in name]


def test_the_kernel_for_texts_end_to_end_is_part_of_the_graph(monkeypatch):
    """No GPU is needed to follow shapes and types through the whole encoder, there and back."""
    pytest.importorskip("torch.nn.attention.varlen")
    monkeypatch.setattr(packed, "_kernel_takes", lambda query: True)
    register()
    calls = []

    def backend(graph, inputs):
        calls.append([str(node.target) for node in graph.graph.nodes if "varlen" in str(node.target)])
        return graph.forward

    sizes = {"vocab_size": 100, "hidden_size": 32, "num_attention_heads": 2, "intermediate_size": 48}
    with FakeTensorMode(allow_non_fake_inputs=True), torch.autocast("cpu", torch.bfloat16):
        model = BertModel(BertConfig(**sizes, num_hidden_layers=2), add_pooling_layer=False).train()
        model.set_attn_implementation(ATTENTION)
        compiled = torch.compile(model.forward, backend=backend, dynamic=False, fullgraph=True)
        for lengths in ([3, 4], [40, 20, 1]):
            features = pack_filled(np.zeros(sum(lengths), dtype=int), np.array(lengths), SIZE, 0)
            features.pop("seq_idx")
            hidden = compiled(**features).last_hidden_state
        hidden.float().sum().backward()
        assert hidden.shape == (1, 256, 32) and model.embeddings.word_embeddings.weight.grad.shape == (100, 32)
    assert calls == [["torch_attn._varlen_attn"] * 2]


def test_first_gradients_are_copied_and_others_added_up():
    weight = torch.nn.Parameter(torch.ones(3))
    memory = torch.tensor([1.0, 2.0, 3.0])

    class Replayed(torch.autograd.Function):
        """Hands out the same memory as its gradient, as a graph that is replayed does."""

        @staticmethod
        def forward(context, value):
            return value.sum()

        @staticmethod
        def backward(context, gradient):
            return memory

    keep_gradients([weight])
    Replayed.apply(weight).backward()
    assert weight.grad.data_ptr() != memory.data_ptr()
    memory.fill_(10)
    Replayed.apply(weight).backward()
    assert weight.grad.tolist() == [11, 12, 13]
