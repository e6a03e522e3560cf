"""A lack of memory becomes an error that names flags; other errors stay what they are."""

from __future__ import annotations

import pytest
import torch

from hf_hybrid.arguments import HybridTrainingArguments
from hf_hybrid.errors import InputError
from hf_hybrid.training.out_of_memory import advice, explain_out_of_memory, is_out_of_memory


def arguments(**kwargs) -> HybridTrainingArguments:
    return HybridTrainingArguments("out", use_cpu=True, global_batch_size=64, **kwargs)


def test_advice_names_flags_with_their_values_and_not_what_is_on():
    flags = " ".join(advice(arguments(max_tokens=128, chunk_tokens=4096)))
    for part in ("--gradient_cache,", "--chunk_tokens (4,096)", "--max_tokens (128)", "--global_batch_size (64)"):
        assert part in flags
    assert "--gradient_cache_memory" not in flags and "--bf16" not in flags
    flags = " ".join(advice(arguments(gradient_cache=True, gradient_checkpointing=True)))
    assert "lower --gradient_cache_memory (what is free; GiB)" in flags
    assert "add" not in flags
    assert "cache" not in " ".join(advice(arguments(gradient_cache=True, gradient_cache_memory=0)))
    assert advice(arguments(), static=True) == ["lower --global_batch_size (64)"]


def test_what_allocators_really_say():
    with pytest.raises(RuntimeError) as torch_error:
        torch.empty(1 << 50, dtype=torch.int8).fill_(1)
    assert is_out_of_memory(torch_error.value)
    with pytest.raises(MemoryError) as python_error:
        bytearray(1 << 60)
    assert is_out_of_memory(python_error.value)
    assert is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."))
    # As on a GPU: cuDNN's attention and cuBLAS say it in their own ways.
    attention = "mha_graph.execute(handle, pack, workspace.get()).is_good() INTERNAL ASSERT FAILED"
    assert is_out_of_memory(RuntimeError(attention))
    assert is_out_of_memory(RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"))
    assert not is_out_of_memory(RuntimeError("shapes do not fit")) and not is_out_of_memory(
        ValueError("out of memory")
    )


def test_the_error_says_where_and_what_to_do():
    with pytest.raises(
        InputError, match=r"^out of memory on cpu \(CUDA out of memory.*\): .*lower --global_batch_size"
    ):
        with explain_out_of_memory(arguments(), static=False):
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.\nMore lines")
    with pytest.raises(RuntimeError, match="shapes"), explain_out_of_memory(arguments(), static=False):
        raise RuntimeError("shapes do not fit")
