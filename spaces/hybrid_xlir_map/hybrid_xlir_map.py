# Licensed under the Apache License, Version 2.0.
"""Multilingual retrieval as the hybrid batch training paper measures it: a thin adapter of `hf_hybrid` for
`evaluate`.
"""

# One import per line, and no name of evaluate's own classes: `evaluate` reads this file with a regular expression, and
# takes the first subclass of its base class that it finds in the namespace.
import datasets
import evaluate

import hf_hybrid

_DESCRIPTION = """\
Mean average precision of multilingual retrieval in the three settings of hybrid batch training (arXiv 2408.10536): monolingual (Mo), cross-lingual
(Cr, every ordered pair of languages) and multilingual (Mul, one pool of all languages), with the whole language matrix, recall, MRR, nDCG,
rank distance and language bias. All ranks are exact, ties are resolved by expectation.
"""

_INPUTS = """
Choose a configuration with `evaluate.load("hybrid_xlir_map", CONFIG)`; every row is a query.

"ranks" (the default): where all relevant candidates of a query stand in the full ranking.
    query_id (str), query_language (str)
    candidate_languages (list of R str): language of each relevant candidate
    pool_ranks (list of R int): rank, from 1, in the pool of all languages
    language_ranks (list of R int): rank, from 1, among the candidates of its own language
    compute keywords: pool_sizes (dict language -> number of candidates), k=10, clusters=None

"top_k": the first candidates of every query in the pool of all languages.
    query_id (str), query_language (str)
    candidate_ids (list of K str), scores (list of K float)
    compute keywords: candidate_languages (dict candidate id -> language), relevance (dict query id -> list of all relevant candidate ids),
    pool_sizes=None, k=10, ties="expected", clusters=None

Where relevance maps a query to grades, {candidate id: grade}, a grade above 0 is relevant, in all measures.

"embeddings": vectors; the pool comes with `compute`.
    query_id (str), query_language (str)
    embedding (list of d float)
    compute keywords: candidate_ids (N str), candidate_embeddings (N x d), candidate_languages (N str), relevance (dict query id -> list of
    candidate ids), similarity="cosine", k=10, ties="expected", clusters=None, max_memory_mb=256

Returns a dict: mo_map, cr_map, mul_map, mean_map (their mean), the same of recall_at_1, recall_at_<k>, mrr and ndcg_at_<k>, rank_distance and
further figures of language bias; matrix (L x L mAP, query language by candidate language), languages, per_language, measures, language_share, bias,
num_queries and notes. See the card for the formulas.

Examples:

    >>> metric = evaluate.load("hybrid_xlir_map")
    >>> result = metric.compute(
    ...     query_id=["q1-de", "q1-en"],
    ...     query_language=["de", "en"],
    ...     candidate_languages=[["de", "en"], ["de", "en"]],
    ...     pool_ranks=[[1, 4], [3, 1]],
    ...     language_ranks=[[1, 2], [2, 1]],
    ...     pool_sizes={"de": 5, "en": 5},
    ... )
    >>> result["mo_map"], result["cr_map"], round(result["mul_map"], 4), result["rank_distance"]
    (1.0, 0.5, 0.7917, 2.5)
"""

_CITATION = """\
@article{hybrid-batch-training,
    title = {Synergistic Approach for Simultaneous Optimization of Monolingual, Cross-lingual, and Multilingual Information Retrieval},
    journal = {arXiv preprint arXiv:2408.10536},
    year = {2024}
}
@inproceedings{roy-etal-2020-lareqa,
    title = {{LAReQA}: Language-Agnostic Answer Retrieval from a Multilingual Pool},
    author = {Roy, Uma and Constant, Noah and Al-Rfou, Rami and Barua, Aditya and Phillips, Aaron and Yang, Yinfei},
    booktitle = {Proceedings of EMNLP},
    year = {2020}
}
"""

_STRING = datasets.Value("string")
_FEATURES = {
    "ranks": {
        "query_id": _STRING,
        "query_language": _STRING,
        "candidate_languages": datasets.Sequence(_STRING),
        "pool_ranks": datasets.Sequence(datasets.Value("int64")),
        "language_ranks": datasets.Sequence(datasets.Value("int64")),
    },
    "top_k": {
        "query_id": _STRING,
        "query_language": _STRING,
        "candidate_ids": datasets.Sequence(_STRING),
        "scores": datasets.Sequence(datasets.Value("float64")),
    },
    "embeddings": {
        "query_id": _STRING,
        "query_language": _STRING,
        "embedding": datasets.Sequence(datasets.Value("float32")),
    },
}


class HybridXlirMap(evaluate.Metric):
    """Mo, Cr and Mul with everything around them; all computation is in `hf_hybrid`."""

    def _info(self):
        if self.config_name == "default":
            self.config_name = "ranks"
        if self.config_name not in _FEATURES:
            raise hf_hybrid.InputError(
                f"configuration {self.config_name!r} is not known: choose one of {', '.join(_FEATURES)}"
            )
        return evaluate.MetricInfo(
            description=_DESCRIPTION,
            citation=_CITATION,
            inputs_description=_INPUTS,
            features=datasets.Features(_FEATURES[self.config_name]),
            reference_urls=["https://arxiv.org/abs/2408.10536", "https://arxiv.org/abs/2004.05484"],
            license="Apache-2.0",
        )

    def add_batch(self, *, predictions=None, references=None, **columns):
        """Add a batch of queries: one value per query for every column of the configuration.

        Raises:
            InputError: columns that do not fit; names the column and the row.
        """
        from hf_hybrid.metric.columns import check_columns

        check_columns(self.config_name, {"predictions": predictions, "references": references, **columns})
        super().add_batch(**columns)

    def add(self, *, prediction=None, reference=None, **row):
        """Add one query: one value for every column of the configuration."""
        self.add_batch(predictions=prediction, references=reference, **{name: [value] for name, value in row.items()})

    def _compute(self, **inputs):
        from hf_hybrid.metric.output import compute_metric

        columns = {name: inputs.pop(name) for name in _FEATURES[self.config_name]}
        return compute_metric(self.config_name, columns, inputs)
