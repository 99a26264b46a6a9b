"""The bytes of a file that lies plain, in a gzip file or in a zip archive."""

import gzip
import io
import lzma
import zipfile
import zlib
from pathlib import Path

from pipeline.errors import DataError

# How a zip archive begins, full or empty, and an Excel workbook, which is one; and a gzip file.
PACKED = (b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b")
# What a Mac adds to an archive: a folder of attributes, and files of the Finder.
MAC_FOLDER = "__MACOSX"
MAC_FILES = ("._", ".DS_Store")
# zipfile raises RuntimeError for an encrypted entry, NotImplementedError for an unknown method,
# and what its decompressors raise: https://docs.python.org/3/library/zipfile.html
DAMAGES = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
)


def read(path: Path) -> bytes:
    """The content of a .csv, .csv.gz or .csv.zip; DataError names the file and its fault."""
    packed_content = _packed(path)
    suffix = path.suffix.lower()
    if suffix == ".zip":
        return _unzipped(packed_content)
    if suffix == ".gz":
        return _gunzipped(packed_content)
    if packed_content.startswith(PACKED):
        raise DataError(
            "a zip archive, a gzip file or an Excel workbook by its first bytes, "
            "allowed is a CSV, plain or packed under a name that ends in .zip or .gz"
        )
    return packed_content


def _packed(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise DataError("there is no such file") from error
    except OSError as error:
        raise DataError(f"cannot be read ({error.strerror})") from error


def _gunzipped(packed_content: bytes) -> bytes:
    try:
        return gzip.decompress(packed_content)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"not a gzip file of one CSV ({error})") from error


def _unzipped(packed_content: bytes) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(packed_content)) as archive:
            entries = [name for name in archive.namelist() if _is_data(name)]
            if len(entries) == 1:
                [entry] = entries
                return archive.read(entry)
    except (OSError, *DAMAGES) as error:
        raise DataError(f"not a zip archive of one CSV ({error})") from error
    names = ", ".join(entries)[:100] or "nothing"
    raise DataError(f"not a zip archive of one CSV: there is {names} in it")


def _is_data(entry: str) -> bool:
    """Say whether an archive's entry is a file that its maker put into it."""
    *folders, name = entry.split("/")
    if MAC_FOLDER in folders:
        return False
    return name != "" and not name.startswith(MAC_FILES)
