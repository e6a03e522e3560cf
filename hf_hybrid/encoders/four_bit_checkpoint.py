"""A checkpoint of an encoder in four bits, which `transformers` and sentence-transformers load without us."""

from __future__ import annotations

import tempfile
from pathlib import Path

import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules import Normalize, Transformer
from sentence_transformers.sentence_transformer.modules import Pooling
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from hf_hybrid.encoders.compiled_map import compiled_map
from hf_hybrid.encoders.four_bit import WORDS, FourBitEncoder
from hf_hybrid.encoders.saved_folder import save_folder
from hf_hybrid.output_files import new_directory

# E5 was trained with these before every text.
E5_PROMPTS = {"query": "query: ", "document": "passage: "}
_LAYER_MATRICES = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "fi": "intermediate.dense",
    "fo": "output.dense",
}
_LAYER_NORMS = {"aln": "attention.output.LayerNorm", "oln": "output.LayerNorm"}


def build_checkpoint(
    encoder: FourBitEncoder,
    directory: str | Path,
    dtype: torch.dtype = torch.float16,
    prompts: dict[str, str] | None = None,
    overwrite: bool = False,
) -> Path:
    """Write a checkpoint: mean pooling, unit vectors, prompts, no pooler.

    Args:
        encoder: The encoder in four bits, whole or with rows kept.
        directory: Where it goes.
        dtype: Of the stored weights. Half precision moves a weight by less than a hundredth of what four bits did.
        prompts: Of queries and documents; E5's by default.
        overwrite: Replace an encoder that is there.

    Returns:
        The directory.

    Raises:
        InputError: The directory is in use.

    Example:
        >>> kept = FourBitEncoder.read("e5-small-q4.bin").keep(ids)  # doctest: +SKIP
        >>> SentenceTransformer(str(build_checkpoint(kept, "base"))).encode_query(["hello"]).shape  # doctest: +SKIP
        (1, 384)
    """
    with new_directory(directory, overwrite) as fresh, tempfile.TemporaryDirectory() as folder:
        bert(encoder).to(dtype).save_pretrained(folder)
        tokenizer(encoder).save_pretrained(folder)
        # sentence-transformers reads a transformer only from a folder.
        transformer = Transformer(folder, model_kwargs={"dtype": dtype, "add_pooling_layer": False})
        transformer.max_seq_length = encoder.sizes.positions
        pooling = Pooling(encoder.sizes.width, pooling_mode="mean")
        model = SentenceTransformer(
            modules=[transformer, pooling, Normalize()], prompts=dict(prompts or E5_PROMPTS), device="cpu"
        )
        model.similarity_fn_name = "cosine"
        save_folder(model, fresh)
    return Path(directory).expanduser()


def bert(encoder: FourBitEncoder) -> BertModel:
    """The model in float32, without pooler.

    Raises:
        RuntimeError: Tensors are missing.
    """
    sizes = encoder.sizes
    config = BertConfig(
        vocab_size=sizes.words,
        hidden_size=sizes.width,
        num_hidden_layers=sizes.layers,
        num_attention_heads=sizes.heads,
        intermediate_size=sizes.feed_forward,
        max_position_embeddings=sizes.positions,
        type_vocab_size=sizes.segments,
        layer_norm_eps=float(f"{sizes.epsilon:.6g}"),
        pad_token_id=encoder.special.pad,
        hidden_act="gelu",
    )
    model = BertModel(config, add_pooling_layer=False)
    model.load_state_dict(weights(encoder))
    return model


def weights(encoder: FourBitEncoder) -> dict[str, torch.Tensor]:
    """BERT's weights by their names, float32."""
    width = encoder.sizes.width
    found = {
        "embeddings.word_embeddings.weight": encoder.matrix(WORDS),
        "embeddings.position_embeddings.weight": encoder.tensors["emb.pos"].reshape(-1, width),
        "embeddings.token_type_embeddings.weight": encoder.tensors["emb.type"].reshape(-1, width),
        "embeddings.LayerNorm.weight": encoder.tensors["emb.ln.w"],
        "embeddings.LayerNorm.bias": encoder.tensors["emb.ln.b"],
    }
    for layer in range(encoder.sizes.layers):
        for short, name in (*_LAYER_MATRICES.items(), *_LAYER_NORMS.items()):
            weight, bias = f"l{layer}.{short}.w", f"l{layer}.{short}.b"
            where = f"encoder.layer.{layer}.{name}"
            found[f"{where}.weight"] = encoder.matrix(weight) if short in _LAYER_MATRICES else encoder.tensors[weight]
            found[f"{where}.bias"] = encoder.tensors[bias]
    return {name: torch.tensor(values) for name, values in found.items()}


def tokenizer(encoder: FourBitEncoder) -> PreTrainedTokenizerFast:
    """XLM-R's tokenizer over the pieces: SentencePiece's NFKC, spaces as "▁", `<s> ... </s>` around a text."""
    pieces, special = encoder.pieces, encoder.special
    bos, eos, pad, unk = (pieces[index] for index in special)
    made = Tokenizer(
        models.Unigram(
            [(piece, float(score)) for piece, score in zip(pieces, encoder.scores, strict=True)],
            unk_id=special.unk,
            byte_fallback=False,
        )
    )
    made.normalizer = normalizers.Sequence(
        [compiled_map(normalization_rule_name="nmt_nfkc"), normalizers.Replace(Regex(" {2,}"), " ")]
    )
    made.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    made.decoder = decoders.Metaspace(replacement="▁", prepend_scheme="always")
    made.post_processor = processors.TemplateProcessing(
        single=f"{bos} $A {eos}",
        pair=f"{bos} $A {eos} {eos} $B {eos}",
        special_tokens=[(bos, special.bos), (eos, special.eos)],
    )
    # A vocabulary that was cut may have lost it.
    mask = {"mask_token": pieces[-1]} if pieces[-1] == "<mask>" else {}
    return PreTrainedTokenizerFast(
        tokenizer_object=made,
        bos_token=bos,
        cls_token=bos,
        eos_token=eos,
        sep_token=eos,
        pad_token=pad,
        unk_token=unk,
        model_max_length=encoder.sizes.positions,
        model_input_names=["input_ids", "attention_mask"],
        clean_up_tokenization_spaces=False,
        **mask,
    )
