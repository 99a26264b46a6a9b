"""Hostile CSVs: what spreadsheets, pandas, other encodings and bad disks make of a good one.

Each is tried twice: as `run` and `load-data` read it, typed by the schema, and by `schema`.
"""

import contextlib
import gzip
import io
import random
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from pipeline.__main__ import main
from pipeline.errors import DataError
from pipeline.model import schema
from pipeline.model.csv_file.table import read_csv
from pipeline.model.folder import ModelFolder
from tests.hostile.case import Case, Outcome
from tests.pipeline.conftest import copy_small, edit
from tests.team import MODELS

Table = list[list[str]]  # the header and some rows
Fault = Callable[[random.Random, Table], bytes]
NUMBERS = (
    "nan",
    "NaN",
    "inf",
    "-Infinity",
    "1e39",
    "-1e400",
    "0x1F",
    "1_000",
    "１",
    "1,5",
    "9" * 99,
)
ENCODINGS = ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1", "cp1252", "utf-7", "cp037")
NAMES = ("fare", "", " ", "a,b", "a\nb", '"', "ü", "\u202e", "x" * 5000, "_key", "1", "=1+1")
SEPARATORS = (";", "\t", "|", " ", ",,", ", ")
LINE_ENDS = ("\r", "\r\n", "\n\r", "\n\n", "\x0b", "\u2028")
QUOTED = ('"', '"x', 'x"', '"x\ny"', '"x""y"', '"x"y"', '"x\r\n\r\ny"', '""', '"""', "'x,y'")


def text_of(table: Table, separator: str = ",", line_end: str = "\n") -> str:
    lines = [separator.join(cells) for cells in table]
    return line_end.join([*lines, ""])


def with_cell(table: Table, row: int, column: int, value: str) -> Table:
    """The table with another value in one cell; row 0 is the header."""
    cells = list(table[row])
    cells[column] = value
    return [*table[:row], cells, *table[row + 1 :]]


def odd_cell(random: random.Random, table: Table, *, values: tuple[str, ...], row: int) -> bytes:
    column = random.randrange(len(table[0]))
    value = random.choice(values)
    return text_of(with_cell(table, row, column, value)).encode()


def other_encoding(random: random.Random, table: Table, *, encoding: str) -> bytes:
    accented_table = with_cell(table, 1, 7, "São Paulo")
    return text_of(accented_table).encode(encoding)


def other_separator(random: random.Random, table: Table, *, separator: str) -> bytes:
    return text_of(table, separator=separator).encode()


def other_line_end(random: random.Random, table: Table, *, line_end: str) -> bytes:
    return text_of(table, line_end=line_end).encode()


def other_width(random: random.Random, table: Table, *, row: int) -> bytes:
    cells = table[row] * 2
    width = random.randrange(len(cells))
    return text_of([*table[:row], cells[:width], *table[row + 1 :]]).encode()


def excel_rows(random: random.Random, table: Table) -> bytes:
    empty_rows = [[""] * len(table[0])] * random.randrange(1, 999)
    return text_of([*table, *empty_rows], line_end="\r\n").encode("utf-8-sig")


def pandas_index(random: random.Random, table: Table) -> bytes:
    header, *rows = table
    indexed_rows = [[str(number), *cells] for number, cells in enumerate(rows)]
    return text_of([["", *header], *indexed_rows]).encode()


def lines_before(random: random.Random, table: Table) -> bytes:
    lines = random.choice(("\n\n", " \n", ",,,\n", "Report of May\n", "# rides\n", "sep=,\n"))
    return (lines + text_of(table)).encode()


def repeated_column(random: random.Random, table: Table) -> bytes:
    column = random.randrange(len(table[0]))
    return text_of([[*cells, cells[column]] for cells in table]).encode()


def missing_column(random: random.Random, table: Table) -> bytes:
    column = random.randrange(len(table[0]))
    return text_of([[*cells[:column], *cells[column + 1 :]] for cells in table]).encode()


def many_columns(random: random.Random, table: Table) -> bytes:
    names = [f"column {number}" for number in range(random.randrange(100, 500))]
    return text_of([names, names]).encode()


def damaged_byte(random: random.Random, table: Table) -> bytes:
    return damaged(random, text_of(table).encode())


def noise(random: random.Random, table: Table) -> bytes:
    return random.randbytes(random.randrange(5000))


def damaged(random: random.Random, content: bytes) -> bytes:
    """The content with one byte changed, or cut."""
    place = random.randrange(len(content))
    if random.random() < 0.5:
        return content[:place]
    return content[:place] + random.randbytes(1) + content[place + 1 :]


def zipped(random: random.Random, table: Table, *, entries: tuple[str, ...]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for entry in entries:
            archive.writestr(entry, text_of(table))
    return buffer.getvalue()


def gzipped(random: random.Random, table: Table) -> bytes:
    return gzip.compress(text_of(table).encode())


def damaged_zip(random: random.Random, table: Table) -> bytes:
    return damaged(random, zipped(random, table, entries=("rows.csv",)))


def damaged_gzip(random: random.Random, table: Table) -> bytes:
    return damaged(random, gzipped(random, table))


ZIPS = ((), ("rows.csv", "__MACOSX/._rows.csv"), ("a.csv", "b.csv"), ("d/", "d/rows.csv"))
FAULTS: dict[str, Fault] = {
    "number": partial(odd_cell, values=NUMBERS, row=1),
    "quotes": partial(odd_cell, values=QUOTED, row=1),
    "quotes in the last row": partial(odd_cell, values=QUOTED, row=-1),
    "name": partial(odd_cell, values=NAMES, row=0),
    "quotes in the header": partial(odd_cell, values=QUOTED, row=0),
    "width of the header": partial(other_width, row=0),
    "width of a row": partial(other_width, row=1),
    "Excel's empty rows": excel_rows,
    "pandas' index": pandas_index,
    "lines before the header": lines_before,
    "repeated column": repeated_column,
    "missing column": missing_column,
    "many columns": many_columns,
    "damaged byte": damaged_byte,
    "noise": noise,
    **{name: partial(other_encoding, encoding=name) for name in ENCODINGS},
    **{f"separator {text!r}": partial(other_separator, separator=text) for text in SEPARATORS},
    **{f"line end {text!r}": partial(other_line_end, line_end=text) for text in LINE_ENDS},
}
ARCHIVES: dict[str, tuple[str, Fault]] = {
    "damaged zip": ("rows.csv.zip", damaged_zip),
    "damaged gzip": ("rows.csv.gz", damaged_gzip),
    "gzip": ("rows.csv.gz", gzipped),
    "gzip by another name": ("rows.csv", gzipped),
    **{f"zip of {names}": ("rows.csv.zip", partial(zipped, entries=names)) for names in ZIPS},
}


def cases(random: random.Random) -> Iterator[Case]:
    """Each fault once for `run` and `load-data`, and once for `schema`."""
    faults = {name: ("rows.csv", fault) for name, fault in FAULTS.items()} | ARCHIVES
    for name, (file, fault) in faults.items():
        table = sampled(random)
        content = fault(random, table)
        for verb, read in (("run", typed), ("schema", guessed)):
            yield Case(f"csv, {verb}: {name}", partial(outcome, file, content, read))


def sampled(random: random.Random) -> Table:
    """The cab's header and some of its rows."""
    header, *rows = (MODELS / "cab/rows.csv").read_text().splitlines()
    lines = [header, *random.sample(rows, 30)]
    return [line.split(",") for line in lines]


def outcome(file: str, content: bytes, read: Callable[[Path], Outcome], place: Path) -> Outcome:
    cab = copy_small("cab", place)
    edit(cab / "model.toml", r'^source = "rows\.csv"', f'source = "{file}"')
    (cab / file).write_bytes(content)
    return read(cab)


def typed(cab: Path) -> Outcome:
    """Read by the schema, as `run`, `predict` and `load-data` do."""
    folder = ModelFolder.load(str(cab))
    columns = schema.columns(schema.read(folder))
    try:
        table = read_csv(folder.source, columns, folder.declaration.data.null_values)
    except DataError as error:
        return Outcome(1, str(error))
    return Outcome(0, f"{table.num_rows} rows")


def guessed(cab: Path) -> Outcome:
    """Read by `schema`; an answer is told by its beginning."""
    output, errors = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
        code = main(["schema", str(cab)])
    text = errors.getvalue() or output.getvalue()[:300]
    return Outcome(code, text)
