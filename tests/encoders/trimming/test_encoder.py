"""Trimmed encoders: equal vectors, plain libraries load them, special ids, heads and positions follow."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules import Normalize, Transformer
from sentence_transformers.sentence_transformer.modules import Pooling
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import (
    AutoModel,
    AutoTokenizer,
    BertConfig,
    BertForMaskedLM,
    BertModel,
    BertTokenizer,
    PreTrainedTokenizerFast,
    XLMRobertaConfig,
    XLMRobertaForMaskedLM,
    XLMRobertaModel,
    XLMRobertaTokenizer,
)

from hf_hybrid.arguments import ModelArguments
from hf_hybrid.encoders.models import build_encoder, save_encoder
from hf_hybrid.encoders.trimming.encoder import (
    PIECES,
    REPORT,
    TrimmableEncoder,
    read_kept_pieces,
    save_trimmed,
    weights_bytes,
)
from hf_hybrid.encoders.trimming.vocabulary import new_order
from hf_hybrid.encoders.trimming.weights import keep_rows, padding_of_positions
from hf_hybrid.errors import InputError
from hf_hybrid.retrieval.encode import load_encoder

SIZES = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 24}
WORDS = "river bridge station mountain city Fluss Brücke Bahnhof Berg Stadt река мост вокзал гора город".split()
ENGLISH = [f"the {a} and the {b}" for a in WORDS[:5] for b in WORDS[:5]]
LETTERS = sorted({letter for word in [*WORDS, "the and und die query passage :"] for letter in word if letter != " "})
REPORT_OF = {"weights_bytes": {"before": 0}, "languages": {}}


def unigram() -> XLMRobertaTokenizer:
    """XLM-R's tokenizer class; pieces of one character are unlikely, whole words likely, parts in between."""
    parts = sorted({word[:3] for word in WORDS} | {word[3:] for word in WORDS} - set(LETTERS))
    vocab = [(token, 0.0) for token in ("<s>", "<pad>", "</s>", "<unk>")]
    vocab += [
        ("▁" + word, -5.0 - number / 10) for number, word in enumerate(["the", "and", *WORDS, "query", "passage"])
    ]
    vocab += [(part, -9.0) for part in parts] + [("▁", -8.0), (":", -7.0)]
    vocab += [(letter, -12.0 - number / 100) for number, letter in enumerate(LETTERS) if letter != ":"]
    return XLMRobertaTokenizer(vocab=[*vocab, ("<mask>", 0.0)], model_max_length=30)


def wordpiece() -> BertTokenizer:
    """BERT's; special tokens come late, as in mBERT."""
    pieces = ["[PAD]", *(f"[unused{number}]" for number in range(9)), "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    pieces += LETTERS + [f"##{letter}" for letter in LETTERS] + ["the", "and", *WORDS, "query", "passage"]
    pieces += sorted({word[:3] for word in WORDS} | {f"##{word[3:]}" for word in WORDS} - set(pieces))
    vocab = {piece: number for number, piece in enumerate(dict.fromkeys(pieces))}
    return BertTokenizer(vocab=vocab, do_lower_case=False, model_max_length=30)


def configuration(kind: str, tokenizer) -> BertConfig | XLMRobertaConfig:
    ids = {"vocab_size": len(tokenizer) + 3, "pad_token_id": tokenizer.pad_token_id}
    if kind == "bert":
        return BertConfig(**SIZES, **ids, max_position_embeddings=30)
    ends = {"bos_token_id": tokenizer.bos_token_id, "eos_token_id": tokenizer.eos_token_id}
    return XLMRobertaConfig(**SIZES, **ids, **ends, max_position_embeddings=32)


@pytest.fixture(params=["xlm-roberta", "bert"])
def checkpoint(request, tmp_path) -> Path:
    """A tiny E5- or LaBSE-like model, with three rows that no piece has, prompts, mean pooling, a pooler."""
    tokenizer = wordpiece() if request.param == "bert" else unigram()
    torch.manual_seed(0)
    model_class = BertModel if request.param == "bert" else XLMRobertaModel
    model_class(configuration(request.param, tokenizer)).save_pretrained(tmp_path / "plain")
    tokenizer.save_pretrained(tmp_path / "plain")
    transformer = Transformer(str(tmp_path / "plain"))
    transformer.max_seq_length = 24
    model = SentenceTransformer(
        modules=[transformer, Pooling(16, pooling_mode="mean"), Normalize()],
        prompts={"query": "query: ", "document": "passage: "},
        device="cpu",
    )
    model.save_pretrained(str(tmp_path / "model"), create_model_card=False)
    return tmp_path / "model"


def kept_for(encoder: TrimmableEncoder, texts: list[str]) -> np.ndarray:
    kept = encoder.required()
    for text in texts:
        kept[encoder.tokenizer.encode(text, add_special_tokens=False).ids] = True
    return kept


def trimmed(checkpoint: Path, output: Path, **kwargs) -> Path:
    encoder = TrimmableEncoder(load_encoder(str(checkpoint), device="cpu"))
    order = encoder.trim(kept_for(encoder, ENGLISH))
    return save_trimmed(encoder.model, output, REPORT_OF, order, **kwargs)


def test_vectors_of_texts_whose_pieces_are_kept_are_equal_in_plain_libraries(checkpoint, tmp_path):
    whole = SentenceTransformer(str(checkpoint), device="cpu")
    folder = trimmed(checkpoint, tmp_path / "trimmed")
    small = SentenceTransformer(str(folder), device="cpu", local_files_only=True)
    assert len(small.tokenizer) < len(whole.tokenizer)
    texts = [*ENGLISH, "the the " * 30]  # the last one is cut to the same length
    np.testing.assert_allclose(small.encode_query(texts), whole.encode_query(texts), atol=1e-6)
    np.testing.assert_allclose(small.encode_document(texts), whole.encode_document(texts), atol=1e-6)
    assert (small.prompts, small.max_seq_length) == (whole.prompts, 24)
    # transformers alone, with padding in the batch.
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()
    batch = tokenizer(
        [f"query: {text}" for text in texts], padding=True, truncation=True, max_length=24, return_tensors="pt"
    )
    with torch.no_grad():
        hidden = model(**batch).last_hidden_state
    mask = batch["attention_mask"][..., None]
    pooled = torch.nn.functional.normalize((hidden * mask).sum(1) / mask.sum(1), dim=1)
    np.testing.assert_allclose(pooled.numpy(), whole.encode_query(texts), atol=1e-6)


def test_other_texts_are_spelled_without_unknown_tokens(checkpoint, tmp_path):
    small = SentenceTransformer(str(trimmed(checkpoint, tmp_path / "trimmed")), device="cpu")
    tokenizer = small.tokenizer
    for word in WORDS:
        ids = tokenizer(word, add_special_tokens=False)["input_ids"]
        assert tokenizer.unk_token_id not in ids
    lost = tokenizer.tokenize("Brücke")
    assert len(lost) > 1 and "".join(lost).replace("##", "").strip("▁") == "Brücke"


def test_special_tokens_and_configuration_follow(checkpoint, tmp_path):
    whole = SentenceTransformer(str(checkpoint), device="cpu")
    small = SentenceTransformer(str(trimmed(checkpoint, tmp_path / "trimmed")), device="cpu")
    config, tokenizer = small[0].auto_model.config, small.tokenizer
    assert config.vocab_size == len(tokenizer) == small[0].auto_model.get_input_embeddings().num_embeddings
    for name in ("pad", "unk", "cls", "sep", "mask"):
        assert getattr(tokenizer, f"{name}_token") == getattr(whole.tokenizer, f"{name}_token")
        assert tokenizer.convert_ids_to_tokens(getattr(tokenizer, f"{name}_token_id")) == getattr(
            tokenizer, f"{name}_token"
        )
    assert config.pad_token_id == tokenizer.pad_token_id == whole.tokenizer.pad_token_id
    before = whole.tokenizer("the river")["input_ids"]
    after = tokenizer("the river")["input_ids"]
    assert tokenizer.convert_ids_to_tokens(after) == whole.tokenizer.convert_ids_to_tokens(before)


def test_the_folder_says_which_pieces_were_kept_and_what_it_weighs(checkpoint, tmp_path):
    folder = trimmed(checkpoint, tmp_path / "trimmed", dtype=torch.float16)
    whole, small = (AutoTokenizer.from_pretrained(path) for path in (checkpoint, folder))
    order = np.load(folder / PIECES)
    assert whole.convert_ids_to_tokens(order.tolist()) == small.convert_ids_to_tokens(list(range(len(small))))
    report = json.loads((folder / REPORT).read_text())
    assert report["weights_bytes"]["after"] == weights_bytes(folder) < 0.55 * weights_bytes(checkpoint)
    assert {weight.dtype for weight in load_file(folder / "model.safetensors").values()} == {torch.float16}
    with pytest.raises(InputError, match="already in use"):
        trimmed(checkpoint, folder)


def test_no_pooler_is_written_and_sentence_transformers_makes_none(checkpoint, tmp_path, caplog):
    folder = trimmed(checkpoint, tmp_path / "trimmed")
    small = SentenceTransformer(str(folder), device="cpu")
    assert small[0].auto_model.pooler is None and "pooler" not in caplog.text


def test_a_trimmed_model_is_trained_and_trimmed_again(checkpoint, tmp_path):
    folder = trimmed(checkpoint, tmp_path / "trimmed")
    model = build_encoder(ModelArguments(model_name_or_path=str(folder)))
    assert model.prompts["query"] == "query: "
    # What was trained is saved as it came, and loads so.
    saved = SentenceTransformer(str(save_encoder(model, tmp_path / "trained")), device="cpu")
    assert model[0].auto_model.pooler is None and saved[0].auto_model.pooler is None
    again = trimmed(folder, tmp_path / "again")
    assert (again / "model.safetensors").stat().st_size == (folder / "model.safetensors").stat().st_size


@pytest.mark.parametrize(
    ("model_class", "config"),
    [
        (BertForMaskedLM, BertConfig(**SIZES, vocab_size=12, pad_token_id=0)),
        (BertForMaskedLM, BertConfig(**SIZES, vocab_size=12, pad_token_id=0, tie_word_embeddings=False)),
        (XLMRobertaForMaskedLM, XLMRobertaConfig(**SIZES, vocab_size=12, pad_token_id=1, max_position_embeddings=20)),
    ],
    ids=["bert", "bert-untied", "xlm-roberta"],
)
def test_heads_over_the_vocabulary_keep_the_same_rows(model_class, config):
    torch.manual_seed(0)
    model = model_class(config).eval()
    with torch.no_grad():
        model.get_output_embeddings().bias.normal_()
    order = np.array([0, 1, 2, 5, 7, 11])
    old, new = torch.tensor([[0, 5, 7, 2]]), torch.tensor([[0, 3, 4, 2]])
    with torch.no_grad():
        before = model(old).logits[..., order]
        keep_rows(model, order)
        after = model(new).logits
    torch.testing.assert_close(after, before, atol=1e-6, rtol=0)
    assert model.config.vocab_size == 6
    tied = model.get_output_embeddings().weight is model.get_input_embeddings().weight
    assert tied == config.tie_word_embeddings


def test_padding_keeps_its_id_where_positions_are_counted_from_it(tmp_path):
    """A RoBERTa whose padding is piece 4 and whose other low pieces go."""
    vocab = {
        piece: number for number, piece in enumerate(["x", "yy", "zz", "[UNK]", "[PAD]", "a", "b", "aa", "[CLS]"])
    }
    made = Tokenizer(models.WordPiece(vocab, unk_token="[UNK]"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    made.normalizer = normalizers.Lowercase()
    made.post_processor = processors.BertProcessing(("[CLS]", 8), ("[CLS]", 8))
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=made, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]")
    torch.manual_seed(0)
    config = XLMRobertaConfig(
        **SIZES, vocab_size=9, pad_token_id=4, bos_token_id=8, eos_token_id=8, max_position_embeddings=20
    )
    XLMRobertaModel(config).save_pretrained(tmp_path / "m")
    tokenizer.save_pretrained(tmp_path / "m")
    whole = load_encoder(str(tmp_path / "m"), device="cpu")
    assert padding_of_positions(whole[0].auto_model) == 4
    texts = ["a b aa", "aa", "b b b b"]
    before = whole.encode(texts)
    encoder = TrimmableEncoder(whole)
    order = encoder.trim(kept_for(encoder, texts))
    assert order.tolist() == [0, 3, 5, 6, 4, 7, 8]
    np.testing.assert_allclose(encoder.model.encode(texts), before, atol=1e-6)


def test_padding_that_would_not_keep_its_id_is_refused():
    with pytest.raises(InputError, match="padding has the id 4, which is to stay; keep more than 4 pieces"):
        new_order(np.array([True, False, False, True, True]), padding=4)


def test_other_encoders_and_files_are_refused(tmp_path):
    static = build_encoder(ModelArguments(encoder="static", vocab_size=320), ["hello world", "hallo Welt"] * 50)
    with pytest.raises(
        InputError, match="only an encoder with one transformer can be trimmed; this one reads texts by"
    ):
        TrimmableEncoder(static)
    for content, said in ((b"no array", "cannot read"), (None, "cannot read")):
        path = tmp_path / "pieces.npy"
        path.unlink(missing_ok=True)
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(InputError, match=said):
            read_kept_pieces(path, 10)
    np.save(tmp_path / "a.npy", np.array([[1.5]]))
    with pytest.raises(InputError, match="holds no list of whole numbers"):
        read_kept_pieces(tmp_path / "a.npy", 10)
    np.save(tmp_path / "b.npy", np.array([3, 10]))
    with pytest.raises(InputError, match="has ids up to 10, and the vocabulary 10 pieces"):
        read_kept_pieces(tmp_path / "b.npy", 10)
