"""What all pictures share: matplotlib on demand, sizes that follow the number of languages, files whole or not at all."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import InputError
from .output_files import write_bytes

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMATS = ("png", "svg")
# Above this many languages everything is drawn smaller, and the cells of a matrix without numbers.
MANY = 24


def write_picture(path: str | Path, figure: Figure, overwrite: bool = False) -> Path:
    """Write one picture; the suffix says the format.

    Raises:
        InputError: another suffix than .png or .svg, or the file exists.
    """
    path = Path(path)
    check_picture_path(path)
    import matplotlib

    buffer = io.BytesIO()
    # Text as text: small files, searchable, and the fonts of the reader; no date, so that equal results give equal files.
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "hf_hybrid"}):
        metadata = {"Date": None} if path.suffix.lower() == ".svg" else {}
        figure.savefig(buffer, format=path.suffix[1:].lower(), dpi=160, metadata=metadata)
    return write_bytes(path, buffer.getvalue(), overwrite)


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
