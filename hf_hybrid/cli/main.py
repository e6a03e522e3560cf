"""`hf-hybrid`: one verb, one function. Nothing heavy is imported before a verb is known to run."""

from __future__ import annotations

import argparse
import logging
import shutil
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from hf_hybrid import __version__
from hf_hybrid.cli.arms import add_arms
from hf_hybrid.cli.benchmarks import add_benchmark_options, one_by_one
from hf_hybrid.cli.card import add_card
from hf_hybrid.cli.compare import add_compare
from hf_hybrid.cli.corpus import add_corpus_verbs, evaluate_corpus_benchmark
from hf_hybrid.cli.decontaminate import add_decontaminate
from hf_hybrid.cli.export import add_export
from hf_hybrid.cli.hub import add_hub_verbs
from hf_hybrid.cli.install_metric import add_install_metric
from hf_hybrid.cli.lint import add_lint
from hf_hybrid.cli.study import add_study
from hf_hybrid.cli.teacher import add_teacher_vectors
from hf_hybrid.errors import run_command

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

    from hf_hybrid.benchmarks import Benchmark

DESCRIPTION = "Train multilingual retrievers with hybrid batch training (arXiv 2408.10536), and prove the result."
EVALUATE_DESCRIPTION = """\
Evaluate an encoder: mAP within every language, across every language pair and in one pool of all languages, the rank
distance between translations of an answer, and the share of the query's language at the top. All ranks are exact.
"""
EVALUATE_EPILOG = """\
examples:
  hf-hybrid evaluate runs/my_run/model
  hf-hybrid evaluate intfloat/multilingual-e5-small --benchmark xquad_r --data_dir lareqa/xquad-r --output e5.json
  hf-hybrid evaluate MODEL --benchmark cldr_qa belebele --data_dir belebele=belebele/ --output results.json

pictures (needs matplotlib, `pip install "hf_hybrid[plots]"`):
  hf-hybrid evaluate runs/my_run/model --output results.json --plots pictures/

benchmarks:
  cldr_qa   the test split of the data set that comes with this package (18 languages, no download)
  world_facts  104 facts in 11 languages that come with this package and that nothing trains on (no download)
  xquad_r   XQuAD-R of LAReQA (11 languages, 1,190 questions each, 13,014 sentences): needs --data_dir or --hub_id
  mlqa_r    MLQA-R of LAReQA (7 languages, 4,199 questions, 20,534 sentences; not for commercial use): needs --data_dir
  belebele  Belebele (122 language variants, 900 questions each): needs --data_dir, or --hub_id facebook/belebele
  miracl    MIRACL (18 languages, up to 33 million passages each, searched within a language): needs --data_dir, or
            --hub_id miracl/miracl with --languages; resumes in --vectors
  local     your own: corpus.jsonl, queries.jsonl (_id, lang, text) and qrels/test.tsv in --data_dir
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point of the command `hf-hybrid`.

    Args:
        argv: arguments after the program's name; those of the process by default.

    Returns:
        Exit status: 0, 2 for input to correct, 130 when interrupted.

    Example:
        >>> main(["evaluate", "model", "--benchmark", "xquad_r"])  # doctest: +SKIP
        2
    """
    argv = list(sys.argv[1:] if argv is None else argv)
    if argv[:1] == ["train"]:
        # The trainer has its own parser: recipes and flags of transformers.
        from hf_hybrid.train import main as train_main

        return train_main(argv[1:])
    arguments = make_parser().parse_args(argv)
    return run_command(lambda: arguments.run(arguments))


def make_parser() -> argparse.ArgumentParser:
    """The parser of all verbs but `train`, whose arguments are parsed by `hf_hybrid.train`."""
    parser = argparse.ArgumentParser(prog="hf-hybrid", description=DESCRIPTION, allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"hf-hybrid {__version__}")
    verbs = parser.add_subparsers(
        title="verbs",
        dest="verb",
        required=True,
        metavar="train | evaluate | compare | arms | study | card | encode | search | decontaminate | teacher-vectors | export | lint | push | pull | install-metric",
    )
    verbs.add_parser("train", help="train an encoder (`hf-hybrid train --help` lists its arguments)", add_help=False)
    _add_evaluate(verbs)
    add_compare(verbs)
    add_arms(verbs)
    add_study(verbs)
    add_card(verbs)
    add_corpus_verbs(verbs)
    add_decontaminate(verbs)
    add_teacher_vectors(verbs)
    add_export(verbs)
    add_lint(verbs)
    add_hub_verbs(verbs)
    add_install_metric(verbs)
    return parser


def _add_evaluate(verbs: argparse._SubParsersAction) -> None:
    parser = verbs.add_parser(
        "evaluate",
        help="evaluate an encoder on one or several benchmarks",
        description=EVALUATE_DESCRIPTION,
        epilog=EVALUATE_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(run=_evaluate)
    parser.add_argument(
        "model", metavar="MODEL", help="folder or Hub name of a sentence-transformers or transformers encoder"
    )

    data = parser.add_argument_group("benchmark")
    add_benchmark_options(data)

    encoder = parser.add_argument_group("encoder")
    encoder.add_argument("--model_revision", metavar="REV", help="branch, tag or commit of a Hub model")
    encoder.add_argument("--pooling", metavar="KIND", help="`mean` or `cls`, instead of what the model says")
    encoder.add_argument(
        "--query_prompt", metavar="TEXT", help="put before queries instead of the prompt saved with the model"
    )
    encoder.add_argument(
        "--passage_prompt", metavar="TEXT", help="put before candidates instead of the prompt saved with the model"
    )
    encoder.add_argument(
        "--batch_size",
        type=int,
        default=128,
        metavar="N",
        help="texts of 512 tokens encoded at once; of shorter ones more (default: %(default)s)",
    )
    encoder.add_argument("--device", metavar="NAME", help="cpu, cuda, cuda:1, ... (default: a GPU where there is one)")

    measure = parser.add_argument_group("measures")
    measure.add_argument(
        "--ties",
        default="expected",
        metavar="RULE",
        help="equal scores: `expected`, the mean over their orders, or `trec`, by candidate id as trec_eval does (default: %(default)s)",
    )
    measure.add_argument(
        "--k",
        type=int,
        default=10,
        metavar="K",
        help="cutoff of recall, nDCG and language share (default: %(default)s)",
    )
    measure.add_argument(
        "--max_memory_mb", type=float, default=256, metavar="MB", help="memory for scores (default: %(default)s)"
    )

    output = parser.add_argument_group("output")
    output.add_argument("--output", metavar="FILE", help="write everything measured to this JSON results file")
    output.add_argument(
        "--seed", type=int, metavar="N", help="seed of the run that made the model, kept in the results file"
    )
    output.add_argument(
        "--plots", metavar="DIR", help="draw matrices, language bias and bars into this folder, as PNG and SVG"
    )
    output.add_argument("--overwrite", action="store_true", help="replace existing results and pictures")
    output.add_argument("--quiet", action="store_true", help="no progress bars")


def _evaluate(arguments: argparse.Namespace) -> None:
    """`hf-hybrid evaluate`: load, measure, print, write, for every benchmark."""
    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s", level=logging.WARNING, stream=sys.stderr)
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
    from hf_hybrid.retrieval.encode import load_encoder

    model = load_encoder(arguments.model, arguments.model_revision, arguments.pooling, arguments.device)
    for run, benchmark in zip(runs, benchmarks, strict=True):
        if isinstance(benchmark, CorpusBenchmark):
            evaluate_corpus_benchmark(run, benchmark, model)
        else:
            _evaluate_one(run, benchmark, model)


def _check_outputs(arguments: argparse.Namespace) -> None:
    if arguments.output:
        from hf_hybrid.evaluation.query_values import query_path
        from hf_hybrid.output_files import check_output

        check_output(arguments.output, arguments.overwrite)
        check_output(query_path(arguments.output), arguments.overwrite)
    if arguments.plots:
        from hf_hybrid.plots.pictures import check_picture_folder

        check_picture_folder(arguments.plots, arguments.overwrite)


def _evaluate_one(arguments: argparse.Namespace, benchmark: Benchmark, model: SentenceTransformer) -> None:
    from hf_hybrid.evaluation.evaluate import evaluate_model

    evaluation = evaluate_model(
        model,
        benchmark,
        batch_size=arguments.batch_size,
        ties=arguments.ties,
        k=arguments.k,
        query_prompt=arguments.query_prompt,
        passage_prompt=arguments.passage_prompt,
        max_memory_mb=arguments.max_memory_mb,
        show_progress=not arguments.quiet,
    )
    from hf_hybrid.evaluation.text_report import evaluation_report

    width = shutil.get_terminal_size((120, 24)).columns
    head = f"{arguments.model} on {benchmark.name}: {benchmark.num_queries:,} queries, {benchmark.num_candidates:,} candidates"
    seconds = ", ".join(f"{name} {value:.1f} s" for name, value in evaluation.seconds.items())
    sys.stdout.write(f"{head}\n\n{evaluation_report(evaluation, width)}\n({seconds})\n")
    if not arguments.output and not arguments.plots:
        return
    from hf_hybrid.evaluation.results import build_results

    revision = model.model_card_data.base_model_revision or arguments.model_revision
    results = build_results(evaluation, benchmark, arguments.model, revision, arguments.seed)
    if arguments.output:
        from hf_hybrid.evaluation.query_values import query_table
        from hf_hybrid.evaluation.results import write_results

        queries = query_table(evaluation, benchmark)
        written = write_results(arguments.output, results, arguments.overwrite, queries)
        sys.stdout.write(f"Written to {written}\n")
    if arguments.plots:
        from hf_hybrid.plots.pictures import write_evaluation_pictures

        written = write_evaluation_pictures(arguments.plots, results, arguments.overwrite)
        sys.stdout.write(f"Pictures: {', '.join(str(path) for path in written)}\n")


if __name__ == "__main__":
    sys.exit(main())
