"""The snippets of a card run, and give what sentence-transformers gives."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from hf_hybrid.errors import InputError
from hf_hybrid.publishing.cards import CardOptions, write_model_card
from hf_hybrid.publishing.cards.encoder_facts import EncoderFacts, read_encoder
from hf_hybrid.publishing.cards.snippets import known_name, use_section
from tests.card_snippets import python_snippets, run_snippets
from tests.publishing.hub.small_model import write_small_model

SAVE = "import numpy; numpy.save('vectors.npy', numpy.concatenate([numpy.asarray(queries), numpy.asarray(passages)]))"


def facts_of(**changes) -> EncoderFacts:
    values = {
        "modules": ("Transformer", "Pooling", "Normalize"),
        "architecture": "bert",
        "pooling": "mean",
        "include_prompt": True,
        "query_prompt": "",
        "passage_prompt": "",
        "dimension": 8,
        "max_length": 16,
        "vocabulary": 10,
        "parameters": 100,
        "dtype": "float32",
        "weight_bytes": 400,
        "lower_cased": False,
    }
    return EncoderFacts(**(values | changes))


@pytest.mark.parametrize(("kind", "model_id"), [("static", None), ("transformer", "me/tiny")])
def test_every_snippet_runs_and_they_agree(saved, tmp_path, kind, model_id):
    folder = tmp_path / "tiny"
    shutil.copytree(saved[kind], folder)
    write_model_card(folder, CardOptions(model_id=model_id, pictures=False))
    snippets = python_snippets((folder / "README.md").read_text(encoding="utf-8"))
    assert len(snippets) == 2 and ("AutoModel" in snippets[1]) is (kind == "transformer")
    vectors = []
    for number in range(2):
        work = tmp_path / f"work{number}"
        work.mkdir()
        only = tmp_path / f"only{number}"
        shutil.copytree(folder, only)
        (only / "README.md").write_text(
            f"```python\n{snippets[number]}```\n" if number == 0 else _with_name(snippets), encoding="utf-8"
        )
        printed = run_snippets(only, work, SAVE)
        assert printed[-1].strip().startswith(("tensor([[", "[["))
        vectors.append(np.load(work / "vectors.npy"))
    assert vectors[0].shape == (4, 16)
    np.testing.assert_allclose(vectors[0], vectors[1], atol=1e-6)


def _with_name(snippets: list[str]) -> str:
    """The second snippet alone; the name of the model is in the first."""
    return f"{snippets[0].splitlines()[2]}\n\n```python\n{snippets[1]}```\n"


def test_what_an_older_sentence_transformers_saved(tmp_path):
    write_small_model(tmp_path / "small", "# card")
    facts = read_encoder(tmp_path / "small")
    assert facts.modules == ("Transformer", "Pooling") and facts.is_plain_transformer and not facts.is_normalised
    assert (facts.pooling, facts.dimension, facts.max_length, facts.architecture) == ("mean", 8, 16, "distilbert")
    assert facts.query_prompt == facts.passage_prompt == ""


def test_a_static_encoder(saved):
    facts = read_encoder(saved["static"])
    assert facts.is_static and facts.is_normalised and facts.max_length is None
    assert facts.dimension == 16 and facts.parameters == 16 * facts.vocabulary
    assert (facts.query_prompt, facts.passage_prompt) == ("Query: ", "Passage: ")


def test_a_static_encoder_in_half_precision(saved, tmp_path):
    from safetensors.numpy import load_file, save_file

    folder = tmp_path / "tiny"
    shutil.copytree(saved["static"], folder)
    weights = load_file(folder / "model.safetensors")
    save_file({name: tensor.astype(np.float16) for name, tensor in weights.items()}, folder / "model.safetensors")
    assert read_encoder(folder).dtype == "float16"
    write_model_card(folder, CardOptions(pictures=False))
    (tmp_path / "work").mkdir()
    assert (
        len(run_snippets(folder, tmp_path / "work", "import numpy; assert numpy.asarray(queries).shape == (2, 16)"))
        == 2
    )


def test_numpy_knows_no_bfloat16():
    section = use_section(facts_of(modules=("StaticEmbedding", "Normalize"), dtype="bfloat16", pooling=None), "me/m")
    assert "import numpy" not in section and "encode_query" in section


def test_pooling_and_prompts_are_those_of_the_model():
    section = use_section(facts_of(pooling="cls", query_prompt='q "', max_length=None), "me/m")
    assert "vectors = tokens[:, 0]" in section and "max_length" not in section
    assert 'prompt="q \\""' in section and 'prompt=""' in section
    assert "cosine_similarity" in use_section(facts_of(modules=("Transformer", "Pooling")), "me/m")


@pytest.mark.parametrize(
    "changes",
    [
        {"pooling": "weightedmean"},
        {"include_prompt": False},
        {"lower_cased": True},
        {"modules": ("Transformer", "Pooling", "Dense", "Normalize")},
    ],
)
def test_no_snippet_that_would_give_other_vectors(changes):
    section = use_section(facts_of(**changes), "me/m")
    assert "AutoModel" not in section and "are applied by sentence-transformers" in section


def test_shorter_vectors():
    assert 'measured with 8, 4 dimensions: `SentenceTransformer("m", truncate_dim=8)`' in use_section(
        facts_of(), "m", (4, 8)
    )


def test_known_name():
    assert known_name('model = SentenceTransformer("me/m")  # x') == "me/m" and known_name("nothing") is None


def test_damaged_weights(saved, tmp_path):
    folder = tmp_path / "tiny"
    shutil.copytree(saved["static"], folder)
    (folder / "model.safetensors").write_bytes(b"\x02\0\0\0\0\0\0\0no")
    with pytest.raises(InputError, match="the head of the weights is damaged"):
        read_encoder(folder)
