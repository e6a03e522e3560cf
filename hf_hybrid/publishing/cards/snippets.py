"""How to use a model, as Python that runs: sentence-transformers first, then without it; pooling and prompts are those
saved with the model.
"""

from __future__ import annotations

import json
import re

from hf_hybrid.publishing.cards.encoder_facts import EncoderFacts

_QUERIES = '["What is the currency of Japan?", "Welche Währung hat Japan?"]'
_PASSAGES = '["日本的货币是日元。", "Tokyo is the capital of Japan."]'


def use_section(facts: EncoderFacts, name: str, dimensions: tuple[int, ...] = ()) -> str:
    """The body of the section Use.

    Args:
        facts: what was saved.
        name: by which the model is loaded: its name on the Hub, or of its folder.
        dimensions: smaller sizes to which vectors may be cut, measured ones.
    """
    parts = [_block(_sentence_transformers(facts, name)), _prompts(facts)]
    if dimensions:
        shown = ", ".join(map(str, sorted(dimensions, reverse=True)))
        parts.append(
            f"Shorter vectors, measured with {shown} dimensions: `SentenceTransformer({json.dumps(name)}, "
            f"truncate_dim={max(dimensions)})`. Their figures are under [Sizes and speed](#sizes-and-speed)."
        )
    if facts.is_plain_transformer:
        told = "mean of the token vectors" if facts.pooling == "mean" else "vector of the first token"
        length = ", scaled to length one" if facts.is_normalised else ""
        parts += [f"With `transformers` alone: {told}{length}.", _block(_transformers(facts, name))]
    elif facts.modules in (("StaticEmbedding",), ("StaticEmbedding", "Normalize")):
        # numpy knows no bfloat16.
        if facts.dtype == "bfloat16":
            return "\n\n".join(parts)
        length = ", scaled to length one" if facts.is_normalised else ""
        parts += [
            f"Without torch: a text's vector is the mean of its tokens' vectors{length}.",
            _block(_numpy(facts, name)),
        ]
    else:
        parts.append(
            f"Its modules ({', '.join(facts.modules)}) are applied by sentence-transformers; `transformers` alone "
            "lacks them."
        )
    return "\n\n".join(parts)


def known_name(card: str) -> str | None:
    """The name by which a card loads its model."""
    match = re.search(r"SentenceTransformer\((\"(?:[^\"\\]|\\.)*\")", card)
    return json.loads(match[1]) if match else None


def _block(code: str) -> str:
    return f"```python\n{code}\n```"


def _sentence_transformers(facts: EncoderFacts, name: str) -> str:
    return f"""\
from sentence_transformers import SentenceTransformer

model = SentenceTransformer({_text(name)}){_place(name)}
queries = model.encode_query({_QUERIES})
passages = model.encode_document({_PASSAGES})
print(model.similarity(queries, passages))  # queries x passages, higher is closer"""


def _transformers(facts: EncoderFacts, name: str) -> str:
    length = f", max_length={facts.max_length}" if facts.max_length else ""
    pooled = {
        "mean": (
            '    mask = batch["attention_mask"].unsqueeze(-1).to(tokens.dtype)\n'
            "    vectors = (tokens * mask).sum(dim=1) / mask.sum(dim=1)"
        ),
        "cls": "    vectors = tokens[:, 0]",
    }[facts.pooling or "mean"]
    result = "torch.nn.functional.normalize(vectors, dim=1)" if facts.is_normalised else "vectors"
    return f"""\
import torch
from transformers import AutoModel, AutoTokenizer

tokenizer = AutoTokenizer.from_pretrained({_text(name)})
model = AutoModel.from_pretrained({_text(name)}).eval()


def embed(texts, prompt):
    texts = [prompt + text for text in texts]
    batch = tokenizer(texts, padding=True, truncation=True{length}, return_tensors="pt")
    with torch.no_grad():
        tokens = model(**batch).last_hidden_state
{pooled}
    return {result}


queries = embed({_QUERIES}, prompt={_text(facts.query_prompt)})
passages = embed({_PASSAGES}, prompt={_text(facts.passage_prompt)})
print({_similarity(facts, "queries", "passages")})"""


def _numpy(facts: EncoderFacts, name: str) -> str:
    scaled = (
        "    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)\n"
        if facts.is_normalised
        else ""
    )
    hub = "/" in name
    load = f"folder = snapshot_download({_text(name)})" if hub else f"folder = {_text(name)}{_place(name)}"
    first = "from huggingface_hub import snapshot_download\n" if hub else ""
    return f"""\
import numpy as np
{first}from safetensors.numpy import load_file
from tokenizers import Tokenizer

{load}
table = load_file(f"{{folder}}/model.safetensors")["embedding.weight"].astype(np.float32)
tokenizer = Tokenizer.from_file(f"{{folder}}/tokenizer.json")
tokenizer.no_padding()


def embed(texts, prompt):
    tokens = tokenizer.encode_batch([prompt + text for text in texts], add_special_tokens=False)
    zero = np.zeros(table.shape[1], np.float32)
    vectors = np.stack([table[one.ids].mean(axis=0) if one.ids else zero for one in tokens])
{scaled}    return vectors


queries = embed({_QUERIES}, prompt={_text(facts.query_prompt)})
passages = embed({_PASSAGES}, prompt={_text(facts.passage_prompt)})
print({_similarity(facts, "queries", "passages")})"""


def _similarity(facts: EncoderFacts, queries: str, passages: str) -> str:
    if facts.is_normalised:
        return f"{queries} @ {passages}.T"
    if facts.is_static:
        return (
            f"{queries} @ {passages}.T / np.linalg.norm({queries}, axis=1)[:, None] / np.linalg.norm({passages}, "
            f"axis=1)"
        )
    return f"torch.nn.functional.cosine_similarity({queries}[:, None], {passages}[None], dim=-1)"


def _prompts(facts: EncoderFacts) -> str:
    length = (
        f"at most {facts.max_length} tokens of a text count, the rest is cut off"
        if facts.max_length
        else "texts of any length"
    )
    size = f"vectors have {facts.dimension} dimensions; " if facts.dimension else ""
    if not facts.query_prompt and not facts.passage_prompt:
        told = "Texts go in as they are: there is no prefix for queries or passages"
    else:
        told = (
            f"Prefixes are saved with the model: `encode_query` puts {_code(facts.query_prompt)} before a text, "
            f"`encode_document` {_code(facts.passage_prompt)}. With `encode`, or in another library, put them there "
            "yourself"
        )
    return f"{told}; {size}{length}."


def _code(prompt: str) -> str:
    return f"`{json.dumps(prompt, ensure_ascii=False)}`" if prompt else "nothing"


def _place(name: str) -> str:
    return "" if "/" in name else "  # the folder of this card, or its name on the Hub"


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)
