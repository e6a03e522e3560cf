"""`hf-hybrid teacher-vectors`: embed a training set's texts with a teacher, write the vectors."""

from __future__ import annotations

import argparse
import sys

from hf_hybrid.cli import flags
from hf_hybrid.cli.command import Command


class TeacherVectorsCommand(Command):
    """Embed texts with a teacher."""

    name = "teacher-vectors"
    help = "embed a training set's texts with a teacher, as a second target"
    description = """\
Embed the texts of one language of a training set with a teacher, for `hf-hybrid train --teacher_vectors FILE`: the
encoder that is trained then learns to give these texts, and their translations, the teacher's vectors (multilingual
distillation).
"""
    epilog = """\
examples:
  hf-hybrid teacher-vectors TEACHER --dataset_name_or_path renditions/ --output teacher.safetensors
  hf-hybrid train --config mini_align --dataset_name_or_path renditions/ --teacher_vectors teacher.safetensors
  (TEACHER: for example sentence-transformers/all-MiniLM-L6-v2)

The training needs the same renditions in this language; other languages may be left out. After an interruption give
the same command again: it goes on where it stopped.
"""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """The teacher, the texts, and the file."""
        flags.add_model(parser)
        parser.add_argument(
            "--name", metavar="NAME", help="give the teacher this name in the file, and so in cards (default: MODEL)"
        )
        parser.add_argument(
            "--dataset_name_or_path",
            required=True,
            metavar="DATA",
            help="read renditions from this folder or Hub data set, as `hf-hybrid train` does",
        )
        parser.add_argument(
            "--dataset_config", metavar="NAME", help="take this configuration of a data set with several"
        )
        parser.add_argument(
            "--dataset_revision", metavar="REV", help="take this branch, tag or commit of a Hub data set"
        )
        parser.add_argument("--split", default="train", metavar="NAME", help="embed this split (default: %(default)s)")
        parser.add_argument(
            "--language", default="en", metavar="TAG", help="embed the texts of this language (default: %(default)s)"
        )
        flags.add_output(parser, "the vectors", "safetensors file", required=True)
        flags.add_overwrite(parser)
        flags.add_model_revision(parser)
        flags.add_pooling(parser)
        flags.add_batch_size(parser)
        flags.add_device(parser)
        flags.add_compute_dtype(parser)
        flags.add_quiet(parser)

    def run(self, arguments: argparse.Namespace) -> None:
        """`hf-hybrid teacher-vectors`: load, embed, write."""
        from hf_hybrid.output_files import check_output

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
        model = load_encoder(
            arguments.model,
            arguments.model_revision,
            arguments.pooling,
            arguments.device,
            arguments.compute_dtype,
        )
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
        sys.stdout.write(
            f"{size:,} vectors of {dimension} dimensions for {len(written.ids):,} examples: {written.path}\n"
        )
