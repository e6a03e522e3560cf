"""Write or renew the card of a model: text between the markers, pictures, `.eval_results`; what people wrote stays.

Blocks are `<!-- card: NAME -->` ... `<!-- end: NAME -->` and, in the front matter, `# card: NAME` ... `# end: NAME`,
see `hf_hybrid.markdown`. A card may leave out a block; one whose files are missing is empty. The same files give the
same card.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from hf_hybrid.errors import InputError, nearest
from hf_hybrid.evaluation.results import Results
from hf_hybrid.markdown import field_block_names, replace_field_blocks, replace_text_blocks, text_block_names
from hf_hybrid.output_files import check_output, file_digest, write_bytes
from hf_hybrid.publishing.cards.arms_sections import (
    CURVE_PICTURE,
    alpha_section,
    arms_section,
    claims_section,
    comparisons_section,
)
from hf_hybrid.publishing.cards.bitext_section import bitext_section
from hf_hybrid.publishing.cards.encoder_facts import EncoderFacts, read_encoder
from hf_hybrid.publishing.cards.evaluation_sections import (
    bias_section,
    evaluation_section,
    has_matrix,
    languages_section,
    limits_section,
    picture_name,
    pictured_bias,
    sizes_section,
)
from hf_hybrid.publishing.cards.folder_files import RECIPE, RESULTS, FolderFiles, read_folder
from hf_hybrid.publishing.cards.published_results import dataset_ids, eval_result_files, languages_field, model_index
from hf_hybrid.publishing.cards.published_systems import published_section
from hf_hybrid.publishing.cards.snippets import known_name, use_section
from hf_hybrid.publishing.cards.sourced_tables import Source
from hf_hybrid.publishing.cards.titles import language_title, listed
from hf_hybrid.publishing.cards.training_sections import data_section, decontamination_section, training_section

MARK = "card"
README = "README.md"
_TEMPLATE = Path(__file__).with_name("template.md")
# What only the card that sentence-transformers writes says.
_GENERATED = ("This is a [sentence-transformers](https://www.SBERT.net) model", "generated_from_trainer")
_MANY_LANGUAGES = 12
# Enough to read in a browser; a repository's history keeps every picture.
_DPI = 110


@dataclass(frozen=True)
class CardOptions:
    """How a card is made.

    Attributes:
        results: results files to copy into ``results/``, named after their benchmark.
        recipe: settings of the run, to copy as ``training.yaml``.
        model_id: the model's name at the Hub, for the snippets.
        dataset_ids: benchmark -> its name at the Hub, for `.eval_results`.
        pictures: draw.
        overwrite: replace a card that sentence-transformers wrote, and results and recipe that differ from those
            given; draw again.
    """

    results: tuple[Path, ...] = ()
    recipe: Path | None = None
    model_id: str | None = None
    dataset_ids: Mapping[str, str] = field(default_factory=dict)
    pictures: bool = True
    overwrite: bool = False


@dataclass(frozen=True)
class CardReport:
    """What came of it: the files written or renewed, in the repository, and what to know."""

    written: list[str]
    notes: list[str]


def write_model_card(folder: str | Path, options: CardOptions | None = None) -> CardReport:
    """Write or renew the card in a model's folder.

    Args:
        folder: of an encoder as sentence-transformers saves it, with what `hf_hybrid.publishing.cards.folder_files`
            describes.
        options: how.

    Returns:
        What was written; nothing where all of it was there.

    Raises:
        InputError: no encoder, a damaged file, a card without markers, matplotlib missing; names it.

    Example:
        >>> options = CardOptions(results=(Path("runs/my_run/results.json"),))
        >>> write_model_card("runs/my_run/model", options).written  # doctest: +SKIP
        ['README.md', 'pictures/cldr_qa_map_matrix.png', 'pictures/cldr_qa_language_bias.png']
    """
    folder, options = Path(folder), options or CardOptions()
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; name the folder of a saved model")
    if options.model_id is not None and not re.fullmatch(r"[\w.-]+/[\w.-]+", options.model_id):
        raise InputError(f"model_id {options.model_id!r} is no name of the Hub: write OWNER/NAME")
    facts = read_encoder(folder)
    text = _start(folder, options.overwrite)
    _check_blocks(text, folder / README)
    if options.pictures:
        from hf_hybrid.plots.files import require_matplotlib

        require_matplotlib()
    _copy(folder, options)
    files = read_folder(folder)
    at_hub = options.model_id or next((name for name in [known_name(text)] if name and "/" in name), None)
    name = at_hub or _title(folder)
    ids = dataset_ids(folder, files, options.dataset_ids)
    fields = {"languages": languages_field(files), "model-index": model_index(name, files, ids)}
    blocks = _blocks(facts, files, at_hub or folder.resolve().name, options.pictures)
    has = {*field_block_names(text, MARK)}, {*text_block_names(text, MARK)}
    text = replace_field_blocks(
        text, {key: block for key, block in fields.items() if key in has[0]}, MARK, folder / README
    )
    text = replace_text_blocks(
        text, {key: make() for key, make in blocks.items() if key in has[1]}, MARK, folder / README
    )
    _check_card(text, folder / README)
    written = _write_changed(folder, {**eval_result_files(files, ids, name), README: text})
    written += _draw(folder, files, options.overwrite) if options.pictures else []
    left_out = [key for key in (*fields, *blocks) if key not in has[0] | has[1]]
    notes = [f"The card has no place for: {', '.join(left_out)}"] if left_out else []
    notes += [f"No section is made of {file}" for file in files.unknown]
    notes += [
        f"No .eval_results of {source.results.benchmark.name}: name its data set with --dataset_id"
        for source in files.results
        if source.results.benchmark.name not in ids
    ]
    return CardReport(written, notes)


def _blocks(facts: EncoderFacts, files: FolderFiles, name: str, pictures: bool) -> dict[str, Callable[[], str]]:
    variants: list[dict[str, Any]] = files.named["variants"].content["variants"] if "variants" in files.named else []
    smaller = tuple(sorted({entry["dimension"] for entry in variants if entry["dimension"] < (facts.dimension or 0)}))
    return {
        "summary": lambda: _summary(facts, files),
        "use": lambda: use_section(facts, name, smaller),
        "languages": lambda: languages_section(files),
        "evaluation": lambda: evaluation_section(files, pictures),
        "bias": lambda: bias_section(files, pictures),
        "arms": lambda: arms_section(files),
        "claims": lambda: claims_section(files),
        "alpha": lambda: alpha_section(files, pictures),
        "comparisons": lambda: comparisons_section(files),
        "published": lambda: published_section(facts, files),
        "bitext": lambda: bitext_section(name, files),
        "sizes": lambda: sizes_section(files),
        "training": lambda: training_section(files),
        "data": lambda: data_section(files),
        "decontamination": lambda: decontamination_section(files),
        "limits": lambda: limits_section(files),
    }


def _summary(facts: EncoderFacts, files: FolderFiles) -> str:
    tags = list(dict.fromkeys(tag for source in files.results for tag in source.results.benchmark.languages))
    if 0 < len(tags) <= _MANY_LANGUAGES:
        among = f" in {listed([language_title(tag).partition(', `')[0].strip('`') for tag in tags])}"
    else:
        among = f" in {len(tags)} languages" if tags else ""
    kind = (
        "A static encoder: a text is the mean of its tokens' vectors, so it is fast on a CPU and knows no context"
        if facts.is_static
        else f"A transformer ({facts.architecture})"
        if facts.architecture
        else "An encoder"
    )
    sizes = [f"{facts.parameters:,} parameters", f"{facts.weight_bytes / 1e6:,.1f} MB of weights ({facts.dtype})"]
    if facts.vocabulary:
        sizes.insert(0, f"{facts.vocabulary:,} tokens")
    if facts.dimension:
        sizes.insert(0, f"{facts.dimension:,} dimensions")
    return (
        f"Turns questions and passages{among} into vectors that are close where the passage answers the question. "
        f"{kind}; {', '.join(sizes)}."
    )


def _start(folder: Path, overwrite: bool) -> str:
    """The card to renew, or the template."""
    path = folder / README
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    if field_block_names(text, MARK) or text_block_names(text, MARK):
        return text
    if text and not any(sign in text for sign in _GENERATED):
        raise InputError(
            f"{path} has no block for `hf-hybrid card`: put `<!-- card: evaluation -->` and `<!-- end: evaluation "
            "-->` where it should write, or move the card away to begin with a new one"
        )
    if text and not overwrite:
        raise InputError(f"{path} is the card that sentence-transformers wrote: pass --overwrite to replace it")
    return _TEMPLATE.read_text(encoding="utf-8").replace("TITLE", _title(folder))


def _title(folder: Path) -> str:
    """The folder's name; of a run, whose model lies in a folder `model`, that of the run."""
    resolved = folder.resolve()
    return resolved.parent.name if resolved.name == "model" else resolved.name


def _check_blocks(text: str, path: Path) -> None:
    known = list(_blocks_known())
    for name in text_block_names(text, MARK):
        if name not in known:
            raise InputError(
                f"{path}: unknown block {name!r}: did you mean {nearest(name, known)}? (known: {', '.join(known)})"
            )
    for name in field_block_names(text, MARK):
        if name not in ("languages", "model-index"):
            raise InputError(f"{path}: unknown block {name!r} in the front matter (known: languages, model-index)")


def _blocks_known() -> list[str]:
    return text_block_names(_TEMPLATE.read_text(encoding="utf-8"), MARK)


def _copy(folder: Path, options: CardOptions) -> None:
    """Results and recipe that were given, to where a reader of the repository finds them."""
    places = {}
    for path in options.results:
        benchmark = Results.load(path).benchmark.name
        inside = path.resolve() == (folder / "results.json").resolve()
        if not inside and path.resolve().parent != (folder / RESULTS).resolve():
            target = folder / RESULTS / f"{benchmark}.json"
            if target in places:
                raise InputError(f"{path} and {places[target]} are both of {benchmark}: a card has one of each")
            places[target] = path
    if options.recipe is not None:
        places[folder / RECIPE] = options.recipe
    for target, path in places.items():
        try:
            content = Path(path).read_bytes()
        except OSError as error:
            raise InputError(f"cannot read {path}: {error.strerror or error}; check the path") from error
        if not target.is_file() or target.read_bytes() != content:
            check_output(target, options.overwrite)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)


def _check_card(text: str, path: Path) -> None:
    """What the Hub's own library would refuse."""
    from huggingface_hub import ModelCard

    try:
        ModelCard(text)
    except Exception as error:
        raise InputError(
            f"{path}: the front matter is not what the Hub takes ({' '.join(str(error).split())})"
        ) from error


def _write_changed(folder: Path, contents: Mapping[str, str]) -> list[str]:
    written = []
    for name, content in contents.items():
        path = folder / name
        if not path.is_file() or path.read_bytes() != content.encode():
            write_bytes(path, content.encode(), overwrite=True)
            written.append(name)
    return written


def _draw(folder: Path, files: FolderFiles, again: bool) -> list[str]:
    """Pictures that are missing or were drawn from another file; all of them with ``again``."""
    from hf_hybrid.plots.files import picture_source, write_picture

    wanted: dict[str, tuple[Source, Callable[[], Any]]] = {}
    drawn: dict[str, dict[str, Any]] = {}

    def of_results(source: Source, picture: str) -> Any:
        from hf_hybrid.plots.pictures import evaluation_pictures

        if source.file not in drawn:
            drawn[source.file] = evaluation_pictures(source.results)
        return drawn[source.file][picture]

    pictures = [(source, "map_matrix") for source in files.results if has_matrix(source)]
    if (source := pictured_bias(files)) is not None:
        pictures.append((source, "language_bias"))
    for source, picture in pictures:
        draw = partial(of_results, source, picture)
        wanted[picture_name(source, picture)] = (source, draw)
    if files.alpha is not None:
        from hf_hybrid.plots.curve import alpha_picture

        wanted[CURVE_PICTURE] = (files.alpha, lambda: alpha_picture(files.alpha.content))
    written = []
    for name, (source, draw) in wanted.items():
        origin = (source.file, file_digest(folder / source.file))
        path = folder / name
        if again or not path.is_file() or picture_source(path) != origin:
            write_picture(path, draw(), overwrite=True, source=origin, dpi=_DPI)
            written.append(name)
    return written
