"""Hostile CSVs: what spreadsheets, pandas, other encodings and bad disks make of a good one.

Each is tried twice: as `run` and `load-data` read it, typed by the schema, and by `schema`.
"""

import gzip
import io
import random
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from pipeline.errors import DataError
from pipeline.model import schema
from pipeline.model.csv_file.content import SIGNATURES
from pipeline.model.csv_file.table import read_csv
from pipeline.model.folder import ModelFolder
from tests.hostile.case import Case, Outcome
from tests.hostile.verb import called
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
    "0xFFFFFFFFFFFFFFFF",
    "1_000",
    "-0.0",
    "1e-50",
    "+5",
    " 5 ",
    "true",
    "１",
    "1,5",
    "9" * 99,
)
ENCODINGS = ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1", "cp1252", "utf-7", "cp037")
NAMES = (
    "fare",
    " fare",
    "fa\u0301re",
    "",
    " ",
    "a,b",
    "a\nb",
    '"',
    "ü",
    "\u202e",
    "x" * 5000,
    "_key",
    "1",
    "=1+1",
)
SEPARATORS = (";", "\t", "|", " ", ",,", ", ")
LINE_ENDS = ("\r", "\r\n", "\n\r", "\n\n", "\x0b", "\u2028")
BEGINNINGS = (b"\n\n", b" \n", b",,,\n", b"Report of May\n", b"# rides\n", b"sep=,\n")
QUOTED = (
    '"',
    '"x\\"y"',
    '"x',
    'x"',
    '"x\ny"',
    '"x""y"',
    '"x"y"',
    '"x\r\n\r\ny"',
    '""',
    '"""',
    "'x,y'",
)


def file_of(
    table: Table, *, separator: str = ",", line_end: str = "\n", encoding: str = "utf-8"
) -> bytes:
    lines = [separator.join(cells) for cells in table]
    text = line_end.join([*lines, ""])
    return text.encode(encoding)


def with_row(table: Table, row: int, cells: list[str]) -> Table:
    """The table with another row; row 0 is the header."""
    rows = list(table)
    rows[row] = cells
    return rows


def odd_cell(random: random.Random, table: Table, *, values: tuple[str, ...], row: int) -> bytes:
    cells = list(table[row])
    column = random.randrange(len(cells))
    cells[column] = random.choice(values)
    odd_table = with_row(table, row, cells)
    return file_of(odd_table)


def other_encoding(random: random.Random, table: Table, *, encoding: str) -> bytes:
    cells = ["São Paulo"] * len(table[1])
    accented_table = with_row(table, 1, cells)
    return file_of(accented_table, encoding=encoding)


def other_separator(random: random.Random, table: Table, *, separator: str) -> bytes:
    return file_of(table, separator=separator)


def other_line_end(random: random.Random, table: Table, *, line_end: str) -> bytes:
    return file_of(table, line_end=line_end)


def other_width(random: random.Random, table: Table, *, row: int) -> bytes:
    cells = table[row] * 2
    width = random.randrange(len(cells))
    odd_table = with_row(table, row, cells[:width])
    return file_of(odd_table)


def excel_rows(random: random.Random, table: Table) -> bytes:
    count = random.randrange(1, 999)
    empty_row = [""] * len(table[0])
    longer_table = table + [empty_row] * count
    return file_of(longer_table, line_end="\r\n", encoding="utf-8-sig")


def pandas_index(random: random.Random, table: Table) -> bytes:
    header, *rows = table
    indexed_table = [["", *header]]
    for number, cells in enumerate(rows):
        indexed_table.append([f"{number}", *cells])
    return file_of(indexed_table)


def lines_before(random: random.Random, table: Table) -> bytes:
    lines = random.choice(BEGINNINGS)
    return lines + file_of(table)


def repeated_column(random: random.Random, table: Table) -> bytes:
    column = random.randrange(len(table[0]))
    longer_table = [[*cells, cells[column]] for cells in table]
    return file_of(longer_table)


def missing_column(random: random.Random, table: Table) -> bytes:
    column = random.randrange(len(table[0]))
    rows = [list(cells) for cells in table]
    for cells in rows:
        del cells[column]
    return file_of(rows)


def many_columns(random: random.Random, table: Table) -> bytes:
    count = random.randrange(100, 500)
    names = [f"column {number}" for number in range(count)]
    return file_of([names, names])


def wide_row(random: random.Random, table: Table) -> bytes:
    width = random.randrange(10_000, 500_000)
    return file_of([*table, ["1"] * width])


def other_format(random: random.Random, table: Table, *, signature: bytes) -> bytes:
    return signature + file_of(table)


def comma_after_the_header(random: random.Random, table: Table) -> bytes:
    header, *rows = table
    return file_of([[*header, ""], *rows])


def mixed_line_ends(random: random.Random, table: Table) -> bytes:
    content = file_of(table)
    lines = content.splitlines()
    return b"".join(line + random.choice([b"\r", b"\n", b"\r\n"]) for line in lines)


def damaged_byte(random: random.Random, table: Table) -> bytes:
    content = file_of(table)
    return damaged(random, content)


def noise(random: random.Random, table: Table) -> bytes:
    length = random.randrange(5000)
    return random.randbytes(length)


def damaged(random: random.Random, content: bytes) -> bytes:
    """The content with one byte changed, or cut."""
    place = random.randrange(len(content))
    damaged_content = bytearray(content)
    damaged_content[place] = random.randrange(256)
    return random.choice([content[:place], bytes(damaged_content)])


def zipped(random: random.Random, table: Table, *, entries: tuple[str, ...]) -> bytes:
    content = file_of(table)
    return in_zip(dict.fromkeys(entries, content))


def in_zip(entries: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def gzipped(random: random.Random, table: Table) -> bytes:
    content = file_of(table)
    return gzip.compress(content)


def gzip_in_zip(random: random.Random, table: Table) -> bytes:
    content = gzipped(random, table)
    return in_zip({"rows.csv.gz": content})


def damaged_zip(random: random.Random, table: Table) -> bytes:
    content = zipped(random, table, entries=("rows.csv",))
    return damaged(random, content)


def damaged_gzip(random: random.Random, table: Table) -> bytes:
    content = gzipped(random, table)
    return damaged(random, content)


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
    "wide row": wide_row,
    "a comma after the header": comma_after_the_header,
    "mixed line ends": mixed_line_ends,
    "damaged byte": damaged_byte,
    "noise": noise,
    **{name: partial(other_encoding, encoding=name) for name in ENCODINGS},
    **{f"separator {text!r}": partial(other_separator, separator=text) for text in SEPARATORS},
    **{f"line end {text!r}": partial(other_line_end, line_end=text) for text in LINE_ENDS},
    **{f"first bytes {text!r}": partial(other_format, signature=text) for text in SIGNATURES},
}
ARCHIVES: dict[str, tuple[str, Fault]] = {
    "damaged zip": ("rows.csv.zip", damaged_zip),
    "gzip in zip": ("rows.csv.zip", gzip_in_zip),
    "damaged gzip": ("rows.csv.gz", damaged_gzip),
    "gzip": ("rows.csv.gz", gzipped),
    "gzip by another name": ("rows.csv", gzipped),
    **{f"zip of {names}": ("rows.csv.zip", partial(zipped, entries=names)) for names in ZIPS},
}


def cases(random: random.Random) -> Iterator[Case]:
    """Each fault once for `run` and `load-data`, and once for `schema`, mixed."""
    files = {name: ("rows.csv", fault) for name, fault in FAULTS.items()}
    mixed_cases = []
    for name, (file, fault) in (files | ARCHIVES).items():
        table = sampled(random)
        content = fault(random, table)
        mixed_cases += [
            Case(f"run: {name}", partial(outcome, file, content, typed)),
            Case(f"schema: {name}", partial(outcome, file, content, guessed)),
        ]
    random.shuffle(mixed_cases)
    yield from mixed_cases


def sampled(random: random.Random) -> Table:
    """The cab's header and some of its rows."""
    file = MODELS / "cab/rows.csv"
    header, *rows = file.read_text().splitlines()
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
    null_values = folder.declaration.data.null_values
    try:
        table = read_csv(folder.source, columns, null_values)
    except DataError as error:
        return Outcome(1, str(error))
    return Outcome(0, f"{table.num_rows} rows")


def guessed(cab: Path) -> Outcome:
    """Read by `schema`."""
    return called("schema", cab)
