"""XQuAD-R (LAReQA): 1,190 questions and the same 240 paragraphs in 11 languages, answered by sentences (CC BY-SA 4.0).

11 x 1,190 questions, 13,014 candidate sentences, 11 relevant ones for each question: one in every language.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..errors import InputError
from .benchmark import Benchmark
from .lareqa import read_lareqa

LANGUAGES = ("ar", "de", "el", "en", "es", "hi", "ru", "th", "tr", "vi", "zh")
HOW_TO_GET = (
    "clone the GitHub repository google-research-datasets/lareqa and pass its folder xquad-r as --data_dir, "
    "or pass as --hub_id a dataset repository that holds the same <language>.json files"
)


def load_xquad_r(
    data_dir: str | Path | None = None,
    hub_id: str | None = None,
    revision: str | None = None,
    candidate_text: str = "sentence",
    languages: Sequence[str] | None = None,
) -> Benchmark:
    """Load XQuAD-R from a folder, or from a dataset repository on the Hub, that holds LAReQA's files ``ar.json`` ... ``zh.json``.

    Args:
        data_dir: folder with the files.
        hub_id: dataset repository with the files, at its root or in a folder ``xquad-r``.
        revision: revision of the dataset repository.
        candidate_text: ``sentence`` or ``sentence_in_context``, see `hf_hybrid.benchmarks.lareqa.read_lareqa`.
        languages: a part of the 11 languages; all by default.

    Raises:
        InputError: neither or both of ``data_dir`` and ``hub_id``, a missing or damaged file, an unknown language.

    Example:
        >>> load_xquad_r("path/to/lareqa/xquad-r").num_candidates  # doctest: +SKIP
        13014
    """
    if (data_dir is None) == (hub_id is None):
        problem = "needs its data" if data_dir is None else "takes either --data_dir or --hub_id, not both"
        raise InputError(f"benchmark xquad_r {problem}: {HOW_TO_GET}")
    wanted = tuple(languages) if languages else LANGUAGES
    for tag in wanted:
        if tag not in LANGUAGES:
            raise InputError(f"XQuAD-R has no language {tag!r}: choose among {', '.join(LANGUAGES)}")
    folder = _download(hub_id, revision) if hub_id else Path(data_dir)
    if not folder.is_dir():
        raise InputError(f"--data_dir {folder} is not a folder: {HOW_TO_GET}")
    files = {tag: folder / f"{tag}.json" for tag in wanted}
    missing = [path.name for path in files.values() if not path.is_file()]
    if missing:
        raise InputError(f"{folder} lacks {', '.join(missing)}: {HOW_TO_GET}")
    return read_lareqa("xquad_r", files, candidate_text)


def _download(hub_id: str, revision: str | None) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    patterns = [f"{folder}{tag}.json" for folder in ("", "xquad-r/") for tag in LANGUAGES]
    try:
        root = Path(snapshot_download(hub_id, repo_type="dataset", revision=revision, allow_patterns=patterns))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise InputError(
            f"cannot download --hub_id {hub_id}: {reason}; check the name and the network, or {HOW_TO_GET}"
        ) from error
    return root / "xquad-r" if (root / "xquad-r").is_dir() else root
