"""A small search in three forms: as embeddings, as top-k lists and as ranks of the relevant candidates."""

from __future__ import annotations

import numpy as np

LANGUAGES = ("de", "en", "th")


def embedding_run(seed: int = 0, questions: int = 12, distractors: int = 8) -> tuple[dict, dict]:
    """Columns and keywords of configuration `embeddings`: parallel questions, one answer in each language."""
    random = np.random.default_rng(seed)
    meaning = random.normal(size=(questions, 16))
    columns = {"query_id": [], "query_language": [], "embedding": []}
    ids, languages, vectors = [], [], []
    accent = {tag: random.normal(size=16) for tag in LANGUAGES}

    def text(number: int | None, tag: str) -> list[float]:
        content = random.normal(size=16) if number is None else meaning[number]
        return (content + 0.7 * accent[tag] + 0.8 * random.normal(size=16)).astype(np.float32).tolist()

    for tag in LANGUAGES:
        for number in range(questions):
            columns["query_id"].append(f"q{number}-{tag}")
            columns["query_language"].append(tag)
            columns["embedding"].append(text(number, tag))
        for number in [*range(questions), *[None] * distractors]:
            ids.append(f"c{len(ids)}" if number is None else f"a{number}-{tag}")
            languages.append(tag)
            vectors.append(text(number, tag))
    relevance = {query: [f"a{query[1:].split('-')[0]}-{tag}" for tag in LANGUAGES] for query in columns["query_id"]}
    keywords = {
        "candidate_ids": ids,
        "candidate_embeddings": np.array(vectors, dtype=np.float32),
        "candidate_languages": languages,
        "relevance": relevance,
    }
    return columns, keywords


def top_k_run(columns: dict, keywords: dict, depth: int | None = None) -> tuple[dict, dict]:
    """The same search as lists of the first candidates (all of them by default)."""
    queries, candidates = (np.array(part) for part in (columns["embedding"], keywords["candidate_embeddings"]))
    queries, candidates = (part / np.linalg.norm(part, axis=1, keepdims=True) for part in (queries, candidates))
    scores = queries @ candidates.T
    order = np.argsort(-scores, axis=1)[:, :depth]
    run = {name: columns[name] for name in ("query_id", "query_language")}
    run["candidate_ids"] = [[keywords["candidate_ids"][index] for index in row] for row in order]
    run["scores"] = np.take_along_axis(scores, order, axis=1).astype(float).tolist()
    pool = dict(zip(keywords["candidate_ids"], keywords["candidate_languages"], strict=True))
    return run, {"candidate_languages": pool, "relevance": keywords["relevance"]}


def rank_run(columns: dict, keywords: dict) -> tuple[dict, dict]:
    """The same search as ranks of the relevant candidates."""
    lists, kept = top_k_run(columns, keywords)
    pool = kept["candidate_languages"]
    run = {name: columns[name] for name in ("query_id", "query_language")}
    run |= {"candidate_languages": [], "pool_ranks": [], "language_ranks": []}
    for query, ids in zip(lists["query_id"], lists["candidate_ids"], strict=True):
        relevant = kept["relevance"][query]
        run["candidate_languages"].append([pool[name] for name in relevant])
        run["pool_ranks"].append([ids.index(name) + 1 for name in relevant])
        own = {tag: [name for name in ids if pool[name] == tag] for tag in LANGUAGES}
        run["language_ranks"].append([own[pool[name]].index(name) + 1 for name in relevant])
    sizes = {tag: list(pool.values()).count(tag) for tag in LANGUAGES}
    return run, {"pool_sizes": sizes}
