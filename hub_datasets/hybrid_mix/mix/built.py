"""What is made of a mix after `build.py`: in which languages, and whether the mix is there."""

from __future__ import annotations

from pathlib import Path

from hf_hybrid.errors import InputError

# Those of XQuAD-R.
LANGUAGES = ("ar", "de", "el", "en", "es", "hi", "ru", "th", "tr", "vi", "zh")
# Wikipedia's and newspapers' sentences, which stay out of training: they are developed on.
DEVELOPED_ON = "ud_pud"


def check_built(mix: Path, *names: str) -> None:
    """Refuse a folder without these of the mix's files.

    Raises:
        InputError: Names the first that is missing.
    """
    for name in names:
        if not (mix / name).is_file():
            raise InputError(f"{mix / name}: no such file; build the mix with hub_datasets/hybrid_mix/build.py")
