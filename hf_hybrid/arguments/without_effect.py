"""Arguments of transformers and sentence-transformers that nothing here reads, each with the one that does, or the
reason.

They would be accepted in silence by the classes that ours inherit from. A run that ignores what it was told is worse
than one that does not start.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from hf_hybrid.errors import InputError

_BATCHES = "how batches are drawn is said by arm, global_batch_size and language_sampling"
_ORDER = "texts are ordered by length within every batch already; chunk_tokens bounds a chunk"
_PROMPTS = "give query_prompt and passage_prompt"
_LOADER = "batches are always whole and workers stay; give dataloader_num_workers"
_EVALUATION = "evaluation is by dev_split and test_split, one vector a text; leave it out"
_COLUMNS = "columns are fixed: id, lang, query, passage, and further ones by docs; leave it out"
_MEMORY = "a batch is never made smaller; lower chunk_tokens, or give gradient_cache"
_COMMAND = "the command trains, and evaluates where dev_split and test_split say; leave it out"

# Name -> what to give instead.
WITHOUT_EFFECT = {
    "auto_find_batch_size": _MEMORY,
    "average_tokens_across_devices": "the loss is a mean over rows, on all ranks; leave it out",
    "batch_eval_metrics": _EVALUATION,
    "batch_sampler": _BATCHES,
    "dataloader_drop_last": _LOADER,
    "dataloader_in_order": _LOADER,
    "dataloader_multiprocessing_context": _LOADER,
    "dataloader_persistent_workers": _LOADER,
    "ddp_find_unused_parameters": "every trained parameter gets a gradient; leave it out",
    "do_eval": _COMMAND,
    "do_predict": _COMMAND,
    "do_train": _COMMAND,
    "eval_accumulation_steps": _EVALUATION,
    "eval_do_concat_batches": _EVALUATION,
    "eval_use_gather_object": _EVALUATION,
    "include_for_metrics": _EVALUATION,
    "include_num_input_tokens_seen": "tokens are not counted; leave it out",
    "label_names": _COLUMNS,
    "label_smoothing_factor": "the loss knows no labels; scale softens it",
    "length_column_name": _ORDER,
    "multi_dataset_batch_sampler": "several sets go into one table with a column source; give source_per_batch",
    "neftune_noise_alpha": "an encoder of sentence-transformers takes no noise in its input; give dropout",
    "per_device_eval_batch_size": _EVALUATION,
    "per_device_train_batch_size": "give global_batch_size, the rows that all ranks see together",
    "prompts": _PROMPTS,
    "remove_unused_columns": _COLUMNS,
    "resume_from_checkpoint": "give resume, which takes the last whole checkpoint of output_dir",
    "router_mapping": "queries and passages take their own routes of a Router already; leave it out",
    "train_sampling_strategy": f"{_BATCHES}; {_ORDER}",
    "use_cache": "an encoder keeps no cache of keys; leave it out",
    "use_liger_kernel": "its kernels are for language models; give attn_implementation or torch_compile",
}
# Names of earlier versions.
FORMER = {
    "group_by_length": _ORDER,
    "per_gpu_train_batch_size": WITHOUT_EFFECT["per_device_train_batch_size"],
    "per_gpu_eval_batch_size": _EVALUATION,
    "past_index": _EVALUATION,
    "use_ipex": "give bf16 or torch_compile",
    "no_cuda": "give use_cpu",
    "evaluation_strategy": "give eval_strategy",
}


def refuse_without_effect(arguments: Any, own: dict[str, Any]) -> None:
    """Refuse arguments that differ from their defaults and change nothing.

    Args:
        arguments: A dataclass of training arguments, before it completes itself.
        own: Values that it gives itself, which a copy of it brings along.

    Raises:
        InputError: Names the argument, and what to give instead.
    """
    for each in dataclasses.fields(arguments):
        if each.name not in WITHOUT_EFFECT:
            continue
        value = getattr(arguments, each.name)
        if value not in (_default(each), own.get(each.name, _default(each))):
            raise InputError(f"{each.name}: has no effect here; {WITHOUT_EFFECT[each.name]}")


def _default(each: dataclasses.Field) -> Any:
    return each.default if each.default_factory is dataclasses.MISSING else each.default_factory()
