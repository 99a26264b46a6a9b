"""The bytes of a file: plain, gzipped or in a zip archive."""

import gzip
import io
import lzma
import zipfile
import zlib
from pathlib import Path

from pipeline.errors import DataError

# How the files begin that people take for a CSV
# (https://en.wikipedia.org/wiki/List_of_file_signatures,
# https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md).
SIGNATURES = {
    b"PK\x03\x04": "a zip archive or an Excel workbook",
    b"PK\x05\x06": "an empty zip archive",
    b"\x1f\x8b": "a gzip file",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": "a workbook of an old Excel",
    b"BZh91AY&SY": "a bzip2 file",
    b"\xfd7zXZ\0": "an xz file",
    b"\x28\xb5\x2f\xfd": "a Zstandard file",
    b"7z\xbc\xaf\x27\x1c": "a 7-Zip archive",
    b"PAR1\x15": "a Parquet file",
    b"SQLite format 3\0": "an SQLite database",
    b"version https://git-lfs.github.com/spec/": "a pointer of Git LFS",
}
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
    content = _unpacked(path)
    for signature, kind in SIGNATURES.items():
        if content.startswith(signature):
            raise DataError(
                f"{kind} by its first bytes, "
                "allowed is a CSV, plain or packed once under a name that ends in .zip or .gz"
            )
    return content


def _unpacked(path: Path) -> bytes:
    packed_content = _packed(path)
    suffix = path.suffix.lower()
    if suffix == ".zip":
        return _unzipped(packed_content)
    if suffix == ".gz":
        return _gunzipped(packed_content)
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
    """Say whether an archive's entry is data: no folder, and no file of macOS's own."""
    *folders, name = entry.split("/")
    if MAC_FOLDER in folders:
        return False
    return name != "" and not name.startswith(MAC_FILES)
