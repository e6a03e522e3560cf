"""The parts of the mix: which reader feeds which configuration, and what its texts are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from mix import parallel_readers as parallel
from mix import question_readers as questions
from mix import text_readers as texts
from mix.filters import Kind

_SEGMENTS = Kind(query="segment", passage="segment", parallel=True)
_BLOCKS = Kind(query="segment", passage="segment", parallel=True, of_documents=True)
_HEADINGS = Kind(query="query", passage="passage", headings=True, of_documents=True)
_ANSWERS = Kind(query="query", passage="passage")
_LONG_ANSWERS = Kind(query="query", passage="long")
_TEXTS = Kind(query=None, passage="text")
CONFIGS = ("align", "qa", "qa_long", "bitext", "text")
# Files of the source folder that no configuration trains on.
HELD_OUT_CONFIG = "bitext"


@dataclass(frozen=True)
class Part:
    """What one reader gives to one configuration.

    Attributes:
        config: One of `CONFIGS`.
        name: Name of the part.
        file: The set it is read from, without suffix; part of its fingerprint.
        read: Source folder -> renditions.
        kind: What its texts are.
        split: `train` (and dev, by document), or the one split that a held-out set is.
    """

    config: str
    name: str
    file: str
    read: Callable[[Path], pd.DataFrame]
    kind: Kind
    split: str = "train"


PARTS = (
    Part("align", "courses", "ms_curricula_parallel", parallel.read_courses, _BLOCKS),
    Part("align", "guides", "docs_human_parallel", parallel.read_guides, _BLOCKS),
    Part("align", "misc", "misc_parallel", parallel.read_misc, _BLOCKS),
    Part("align", "tico19", "tico19", parallel.read_tico19, _SEGMENTS),
    Part("align", "pud", "ud_pud", parallel.read_pud, _SEGMENTS),
    Part("align", "bible", "bible_parallel", parallel.read_bible, _SEGMENTS),
    Part("align", "questions", "questions_parallel", parallel.read_questions, _SEGMENTS),
    Part("align", "tatoeba", "tatoeba_en_pairs", parallel.read_tatoeba, _SEGMENTS),
    Part("qa", "course_headings", "ms_curricula_parallel", questions.read_course_headings, _HEADINGS),
    Part("qa", "guide_headings", "docs_human_parallel", questions.read_guide_headings, _HEADINGS),
    Part("qa", "faq", "faq_parallel", questions.read_faq, _ANSWERS),
    Part("qa", "answers", "qa_passages", questions.read_answers, _ANSWERS),
    Part("qa", "exams", "exams_qa", questions.read_exams, _ANSWERS),
    Part("qa_long", "faq_long", "faq_parallel", questions.read_faq_long, _LONG_ANSWERS),
    Part("qa_long", "answers_long", "qa_passages", questions.read_answers_long, _LONG_ANSWERS),
    Part("bitext", "news", "ntrex128", parallel.read_news, _SEGMENTS, "dev"),
    Part("bitext", "tatoeba_test", "tatoeba_laser_eval", parallel.read_tatoeba_test, _SEGMENTS, "test"),
    Part("text", "sentences", "commonvoice_sentences", texts.read_sentences, _TEXTS),
    Part("text", "search_questions", "queries_miracl_mrtydi", texts.read_search_questions, _TEXTS),
)
