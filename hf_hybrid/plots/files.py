"""What all pictures share: matplotlib on demand, sizes that follow the number of languages, files whole or not at
all.
"""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import TYPE_CHECKING

from hf_hybrid.errors import InputError
from hf_hybrid.output_files import write_bytes

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMATS = ("png", "svg")
DPI = 160
# Above this many languages everything is drawn smaller, and the cells of a matrix without numbers.
MANY = 24
_PNG = b"\x89PNG\r\n\x1a\n"


def write_picture(
    path: str | Path,
    figure: Figure,
    overwrite: bool = False,
    source: tuple[str, str] | None = None,
    dpi: int = DPI,
) -> Path:
    """Write one picture; the suffix says the format.

    Args:
        path: the file.
        figure: what is drawn.
        overwrite: replace an existing file.
        source: file that it is drawn from and its sha256; a PNG keeps them, see `picture_source`.
        dpi: dots per inch of a PNG.

    Raises:
        InputError: another suffix than .png or .svg, or the file exists.
    """
    path = Path(path)
    check_picture_path(path)
    import matplotlib

    buffer = io.BytesIO()
    # Text as text: small files, searchable, and the fonts of the reader; no date, so that equal results give equal
    # files.
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "hf_hybrid"}):
        metadata: dict[str, str | None] = {"Date": None} if path.suffix.lower() == ".svg" else {}
        if source is not None and path.suffix.lower() == ".png":
            metadata["Source"] = " ".join(reversed(source))
        figure.savefig(buffer, format=path.suffix[1:].lower(), dpi=dpi, metadata=metadata)
    return write_bytes(path, buffer.getvalue(), overwrite)


def picture_source(path: str | Path) -> tuple[str, str] | None:
    """File that a PNG was drawn from, and its sha256, where the picture says so."""
    content = Path(path).read_bytes()
    place = len(_PNG)
    while content.startswith(_PNG) and place + 8 <= len(content):
        length, kind = struct.unpack(">I4s", content[place : place + 8])
        keyword, _, text = content[place + 8 : place + 8 + length].partition(b"\0")
        if kind == b"tEXt" and keyword == b"Source":
            digest, _, file = text.decode("latin-1").partition(" ")
            return file, digest
        place += length + 12
    return None


def check_picture_path(path: str | Path) -> None:
    """Refuse a picture file that is neither PNG nor SVG.

    Example:
        >>> check_picture_path("compare.svg")
    """
    if Path(path).suffix.lower()[1:] not in FORMATS:
        raise InputError(f"picture {path} must end in .png or .svg")


def require_matplotlib() -> None:
    """Say how to get matplotlib where it is missing.

    Raises:
        InputError: it is not installed.
    """
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise InputError('pictures need matplotlib: pip install "hf_hybrid[plots]"') from error


def inches(each: float, number: int) -> float:
    """Room for this many languages."""
    return each * number if number <= MANY else each * (MANY + 0.4 * (number - MANY))


def label_size(number: int) -> float:
    """Font size of this many labels."""
    return 10 if number <= MANY else 6
