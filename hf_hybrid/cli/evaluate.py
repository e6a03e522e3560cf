"""`hf-hybrid evaluate`: load, measure, print and write, for every benchmark that is named."""

from __future__ import annotations

import argparse
import shutil
import sys
from typing import TYPE_CHECKING

from hf_hybrid.cli import flags
from hf_hybrid.cli.benchmark_flags import add_benchmark_flags, benchmark_table, one_by_one
from hf_hybrid.cli.command import Command
from hf_hybrid.cli.reader_flags import add_reader_flags, kept_readings, reader_of_flags, reading_options
from hf_hybrid.errors import InputError
from hf_hybrid.output_files import vectors_folder

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

    from hf_hybrid.benchmarks import Benchmark, CorpusBenchmark
    from hf_hybrid.evaluation.corpus import CorpusEvaluation
    from hf_hybrid.evaluation.encode_benchmark import EncodedBenchmark
    from hf_hybrid.evaluation.measured import Evaluation
    from hf_hybrid.evaluation.reading.evaluate import ReadingEvaluation
    from hf_hybrid.evaluation.remove_language import Removal
    from hf_hybrid.evaluation.results import Results
    from hf_hybrid.reading.reader import Reader

EPILOG = """\
examples:
  hf-hybrid evaluate runs/my_run/model
  hf-hybrid evaluate intfloat/multilingual-e5-small --benchmark xquad_r --data_dir lareqa/xquad-r --output e5.json
  hf-hybrid evaluate MODEL --benchmark cldr_qa belebele --data_dir belebele=belebele/ --output results.json
  hf-hybrid evaluate MODEL --benchmark tydiqa --data_dir tydiqa/ --reader runs/reader/model --output results.json

pictures (needs matplotlib, `pip install "hf_hybrid[plots]"`):
  hf-hybrid evaluate runs/my_run/model --output results.json --plots pictures/

benchmarks:
"""


class EvaluateCommand(Command):
    """Measure an encoder."""

    name = "evaluate"
    help = "evaluate an encoder on one or several benchmarks"
    description = """\
Evaluate an encoder: mAP within every language, across every language pair and in one pool of all languages, the rank
distance between translations of an answer, and the share of the query's language at the top. All ranks are exact.

Measure with --reader also what a reader answers from the passages that the encoder finds: exact match and F1, beside
those of the gold passage.
"""

    @property
    def epilog(self) -> str:
        """Examples, and the benchmarks that there are."""
        return EPILOG + benchmark_table()

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """What to evaluate, on what, how, and where results go."""
        flags.add_model(parser)
        add_benchmark_flags(parser.add_argument_group("benchmark"))

        encoder = parser.add_argument_group("encoder")
        flags.add_model_revision(encoder)
        flags.add_pooling(encoder)
        flags.add_similarity(encoder)
        for kind, texts in (("query", "query"), ("passage", "candidate")):
            encoder.add_argument(
                f"--{kind}_prompt",
                metavar="TEXT",
                help=f"put this before every {texts} (default: the prompt saved with the model)",
            )
        flags.add_batch_size(encoder)
        flags.add_device(encoder)
        flags.add_compute_dtype(encoder)

        encoder.add_argument(
            "--remove_language",
            metavar="KIND",
            help="take out of the vectors what their languages add, without training: `means` of each language's "
            "texts, the benchmark's own or those of --parallel_text, or `shift`, relative language vectors from "
            "--parallel_text",
        )
        flags.add_parallel_text(encoder)

        measures = parser.add_argument_group("measures")
        measures.add_argument(
            "--ties",
            default="expected",
            metavar="RULE",
            help="order equal scores by this rule: `expected`, the mean over their orders, or `trec`, by candidate id "
            "as trec_eval does (default: %(default)s)",
        )
        measures.add_argument(
            "--k",
            type=int,
            default=10,
            metavar="K",
            help="cut recall, nDCG and language share at rank K (default: %(default)s)",
        )
        flags.add_max_memory(measures)

        add_reader_flags(parser.add_argument_group("reader, for benchmarks with answers"))

        output = parser.add_argument_group("output")
        flags.add_output(output, "everything measured", "JSON results file")
        output.add_argument(
            "--seed",
            type=int,
            metavar="N",
            help="record N in the results file as the seed of the run that made the model",
        )
        output.add_argument(
            "--plots", metavar="DIR", help="draw matrices, language bias and bars into this folder, as PNG and SVG"
        )
        flags.add_overwrite(output)
        flags.add_quiet(output)

    def run(self, arguments: argparse.Namespace) -> None:
        """Load all benchmarks before the encoder, so that a mistake is found first."""
        runs = one_by_one(arguments)
        for run in runs:
            _check_outputs(run)
        from hf_hybrid.benchmarks import CorpusBenchmark, load_benchmark

        benchmarks = [
            load_benchmark(
                run.benchmark, data_dir=run.data_dir, hub_id=run.hub_id, revision=run.benchmark_revision, **run.options
            )
            for run in runs
        ]
        reader = reader_of_flags(arguments, benchmarks)
        from hf_hybrid.retrieval.encode import load_encoder

        model = load_encoder(
            arguments.model,
            arguments.model_revision,
            arguments.pooling,
            arguments.device,
            arguments.compute_dtype,
        )
        for run, benchmark in zip(runs, benchmarks, strict=True):
            if isinstance(benchmark, CorpusBenchmark):
                _evaluate_corpora(run, benchmark, model)
            else:
                _evaluate_pool(run, benchmark, model, reader)


def _check_outputs(arguments: argparse.Namespace) -> None:
    if arguments.output:
        from hf_hybrid.evaluation.query_file import query_path
        from hf_hybrid.output_files import check_output

        check_output(arguments.output, arguments.overwrite)
        check_output(query_path(arguments.output), arguments.overwrite)
    if arguments.plots:
        from hf_hybrid.plots.pictures import check_picture_folder

        check_picture_folder(arguments.plots, arguments.overwrite)


def _evaluate_pool(
    arguments: argparse.Namespace, benchmark: Benchmark, model: SentenceTransformer, reader: Reader | None
) -> None:
    """A benchmark whose candidates are in memory: every language pair and the pool; then what a reader answers."""
    from hf_hybrid.evaluation.encode_benchmark import encoded_benchmark
    from hf_hybrid.evaluation.evaluate import evaluate_encoded

    encoded = encoded_benchmark(
        model,
        benchmark,
        batch_size=arguments.batch_size,
        query_prompt=arguments.query_prompt,
        passage_prompt=arguments.passage_prompt,
        show_progress=not arguments.quiet,
        similarity=arguments.similarity,
        remove_language=_removal(arguments, model),
    )
    evaluation = evaluate_encoded(
        encoded,
        benchmark,
        ties=arguments.ties,
        k=arguments.k,
        max_memory_mb=arguments.max_memory_mb,
        show_progress=not arguments.quiet,
    )
    from hf_hybrid.evaluation.text_report import evaluation_report

    width = shutil.get_terminal_size((120, 24)).columns
    size = f"{benchmark.num_queries:,} queries, {benchmark.num_candidates:,} candidates"
    head = f"{arguments.model} on {benchmark.name}: {size}"
    seconds = ", ".join(f"{name} {value:.1f} s" for name, value in evaluation.seconds.items())
    sys.stdout.write(f"{head}\n\n{evaluation_report(evaluation, width)}\n({seconds})\n")
    reading = None if reader is None else _read(arguments, encoded, benchmark, reader)
    if not arguments.output and not arguments.plots:
        return
    results = _results(arguments, evaluation, benchmark, model, reading)
    if arguments.output:
        from hf_hybrid.evaluation.query_values import query_table

        queries = query_table(evaluation, benchmark, reading)
        written = results.save(arguments.output, arguments.overwrite, queries)
        sys.stdout.write(f"Written to {written}\n")
    if arguments.plots:
        from hf_hybrid.plots.pictures import write_evaluation_pictures

        written = write_evaluation_pictures(arguments.plots, results, arguments.overwrite)
        sys.stdout.write(f"Pictures: {', '.join(str(path) for path in written)}\n")


def _read(
    arguments: argparse.Namespace, encoded: EncodedBenchmark, benchmark: Benchmark, reader: Reader
) -> ReadingEvaluation:
    """What the reader answers from the passages that were found."""
    from hf_hybrid.evaluation.reading.evaluate import evaluate_reading
    from hf_hybrid.evaluation.reading.text import reading_report

    reading = evaluate_reading(
        reader,
        encoded,
        benchmark,
        reading_options(arguments),
        kept=kept_readings(arguments, reader, benchmark),
        max_memory_mb=arguments.max_memory_mb,
        show_progress=not arguments.quiet,
    )
    sys.stdout.write(f"\n{reading_report(reading)}\n")
    return reading


def _removal(arguments: argparse.Namespace, model: SentenceTransformer) -> Removal | None:
    """What takes languages out of the vectors, where it is asked for."""
    if arguments.remove_language is None:
        if arguments.parallel_text is not None:
            raise InputError("--parallel_text has no effect without --remove_language")
        return None
    from hf_hybrid.data.pairs import ParallelPairs
    from hf_hybrid.evaluation.remove_language import removal_of

    parallel = None if arguments.parallel_text is None else ParallelPairs.load(arguments.parallel_text)
    return removal_of(arguments.remove_language, model, parallel, arguments.source_language)


def _evaluate_corpora(arguments: argparse.Namespace, benchmark: CorpusBenchmark, model: SentenceTransformer) -> None:
    """A benchmark whose passages are on disk: each language by itself."""
    from hf_hybrid.engines.first_rank import is_first_rank
    from hf_hybrid.evaluation.corpus import evaluate_corpora

    if arguments.remove_language:
        raise InputError(f"--remove_language: {benchmark.name} is searched within each language; leave it out")
    if arguments.plots:
        raise InputError(f"--plots: {benchmark.name} has no language matrix to draw; leave it out")
    vectors = arguments.vectors or (arguments.output and vectors_folder(arguments.output))
    if not vectors:
        raise InputError(f"--vectors: {benchmark.name} needs a folder for its passages' vectors; name one")
    evaluation = evaluate_corpora(
        model,
        benchmark,
        vectors,
        model_name=arguments.model,
        revision=arguments.model_revision,
        query_prompt=arguments.query_prompt,
        passage_prompt=arguments.passage_prompt,
        batch_size=arguments.batch_size,
        max_memory_mb=arguments.max_memory_mb,
        show_progress=not arguments.quiet,
        similarity=arguments.similarity,
    )
    if not is_first_rank():
        return
    sys.stdout.write(f"{arguments.model} on {benchmark.name}\n\n{evaluation.table()}\n")
    if arguments.output:
        from hf_hybrid.evaluation.query_values import corpus_query_table

        results = _results(arguments, evaluation, benchmark, model)
        written = results.save(arguments.output, arguments.overwrite, corpus_query_table(evaluation, benchmark))
        sys.stdout.write(f"Written to {written}\n")


def _results(
    arguments: argparse.Namespace,
    evaluation: Evaluation | CorpusEvaluation,
    benchmark: Benchmark | CorpusBenchmark,
    model: SentenceTransformer,
    reading: ReadingEvaluation | None = None,
) -> Results:
    """The content of the results file; the revision is the one that was loaded, else the one asked for."""
    from hf_hybrid.evaluation.results import build_results

    revision = model.model_card_data.base_model_revision or arguments.model_revision
    return build_results(evaluation, benchmark, arguments.model, revision, arguments.seed, reading)
