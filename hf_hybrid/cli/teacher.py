"""`hf-hybrid teacher-vectors`: the verb's arguments, and its steps."""

from __future__ import annotations

import argparse
import logging
import sys

TEACHER_DESCRIPTION = """\
Embed the texts of one language of a training set with a teacher, for `hf-hybrid train --teacher_vectors FILE`: the encoder that is trained
then learns to give these texts, and their translations, the teacher's vectors (multilingual distillation).
"""
TEACHER_EPILOG = """\
examples:
  hf-hybrid teacher-vectors sentence-transformers/all-MiniLM-L6-v2 --dataset_name_or_path renditions/ --output teacher.safetensors
  hf-hybrid train --config mini_align --dataset_name_or_path renditions/ --teacher_vectors teacher.safetensors --output_dir runs/align

The training needs the same renditions in this language; other languages may be left out. An interrupted call is gone on with by the same
command.
"""


def add_teacher_vectors(verbs: argparse._SubParsersAction) -> None:
    """Add the verb to the command's parser."""
    parser = verbs.add_parser(
        "teacher-vectors",
        help="embed a training set's texts with a teacher, as a second target",
        description=TEACHER_DESCRIPTION,
        epilog=TEACHER_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(run=_teacher_vectors)
    parser.add_argument("model", metavar="MODEL", help="folder or Hub name of the teacher")
    parser.add_argument(
        "--name", metavar="NAME", help="what the file, and so a card, calls the teacher (default: MODEL)"
    )
    parser.add_argument(
        "--dataset_name_or_path", required=True, metavar="DATA", help="renditions, as for `hf-hybrid train`"
    )
    parser.add_argument("--dataset_config", metavar="NAME", help="the data set's configuration, where it has several")
    parser.add_argument("--dataset_revision", metavar="REV", help="branch, tag or commit of a Hub data set")
    parser.add_argument("--split", default="train", metavar="NAME", help="default: %(default)s")
    parser.add_argument("--language", default="en", metavar="TAG", help="whose texts (default: %(default)s)")
    parser.add_argument("--output", required=True, metavar="FILE", help="safetensors file to write")
    parser.add_argument("--overwrite", action="store_true", help="replace an existing file")
    parser.add_argument("--model_revision", metavar="REV", help="branch, tag or commit of a Hub model")
    parser.add_argument("--pooling", metavar="KIND", help="`mean` or `cls`, instead of what the model says")
    parser.add_argument(
        "--batch_size",
        type=int,
        default=128,
        metavar="N",
        help="texts of 512 tokens encoded at once; of shorter ones more (default: %(default)s)",
    )
    parser.add_argument("--device", metavar="NAME", help="cpu, cuda, ... (default: a GPU where there is one)")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")


def _teacher_vectors(arguments: argparse.Namespace) -> None:
    """`hf-hybrid teacher-vectors`: load, embed, write."""
    from hf_hybrid.output_files import check_output

    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s", level=logging.WARNING, stream=sys.stderr)
    check_output(arguments.output, arguments.overwrite)
    from hf_hybrid.data.pairs import ParallelPairs
    from hf_hybrid.data.teacher_vectors import write_teacher_vectors
    from hf_hybrid.retrieval.encode import load_encoder

    pairs = ParallelPairs.load(
        arguments.dataset_name_or_path,
        split=arguments.split,
        config=arguments.dataset_config,
        revision=arguments.dataset_revision,
        languages=[arguments.language],
    )
    model = load_encoder(arguments.model, arguments.model_revision, arguments.pooling, arguments.device)
    written = write_teacher_vectors(
        model,
        pairs,
        arguments.output,
        model_name=arguments.name or arguments.model,
        revision=model.model_card_data.base_model_revision or arguments.model_revision,
        language=arguments.language,
        batch_size=arguments.batch_size,
        overwrite=arguments.overwrite,
        show_progress=not arguments.quiet,
    )
    size, dimension = written.vectors.shape
    sys.stdout.write(f"{size:,} vectors of {dimension} dimensions for {len(written.ids):,} examples: {written.path}\n")
