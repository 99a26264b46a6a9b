"""The one reader of a CSV: its rows, or one sentence about the file's fault."""

import bz2
import csv
import gzip
import io
import lzma
import zipfile
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipeline.errors import DataError
from pipeline.model.csv_file import parsing, widths
from pipeline.model.csv_file.table import column_names, read_csv
from pipeline.serving.numbers import is_float32

TYPES = {"n": "INT", "fare": "FLOAT", "word": "BYTES"}
HEADER = "n,fare,word\n"
GOOD = f"{HEADER}1,2.5,x\n"
ROW_COUNT = 1000
LONG_VALUE = "long\n" * 40


@pytest.fixture
def place(tmp_path):
    """Write a file and return its path."""

    def write(content, name="rows.csv"):
        file = tmp_path / name
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return file

    return write


def rows(file, types=TYPES):
    return read_csv(file, types, [""]).to_pylist()


def sentence(file, types=TYPES):
    """The refusal of a file, without its path."""
    with pytest.raises(DataError) as refusal:
        read_csv(file, types, [""])
    text = str(refusal.value)
    assert text.startswith(f"{file}: ")
    assert len(text) < 400
    return text.removeprefix(f"{file}: ")


def zipped(entries):
    """The bytes of an archive with these entries."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return buffer.getvalue()


SPELLINGS = {
    "blank first lines": f"\n \t\n\n{GOOD}",
    "a byte order mark": b"\xef\xbb\xbf" + GOOD.encode(),
    "a byte order mark and a blank line": b"\xef\xbb\xbf\r\n" + GOOD.encode(),
    "CR alone": GOOD.replace("\n", "\r"),
    "CR and LF": GOOD.replace("\n", "\r\n"),
    "no line end at the end": GOOD.rstrip(),
    "blank lines between": GOOD.replace("\n", "\n\n"),
    "Excel's empty last rows": f"{GOOD},,\r\n,,\r\n,,\r\n",
    "more empty rows than a block of them": GOOD + ",,\r\n" * 5000,
    "quoted names": GOOD.replace(HEADER, '"n","fare","word"\n'),
}


@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS)
@pytest.mark.parametrize("types", [TYPES, None], ids=["typed", "guessed"])
def test_however_a_row_is_spelled_there_is_one(place, spelling, types):
    file = place(spelling)

    [row] = rows(file, types)

    assert row == {"n": 1, "fare": 2.5, "word": "x"}


FAULTS = {
    "": "the file is empty, allowed is a header with the columns' names",
    "\n \n": "the file is empty, allowed is a header with the columns' names",
    HEADER: "there is a header and no row, allowed is at least one",
    f"{HEADER},,\n,,\n": "there is a header and no row, allowed is at least one",
    "n,fare,fare,word\n1,2,3,x\n": "the header has the column fare 2 times, allowed is once",
    ",n,fare,word\n0,1,2,x\n": "column 1 of 4 has no name in the header",
    "n,fare,word, \n1,2,x,\n": "column 4 of 4 has no name in the header",
    "n;fare;word\n1;2;x\n": "the header has ';' between its names, allowed is a comma",
    "n\tfare\tword\n1\t2\tx\n": r"the header has '\t' between its names, allowed is a comma",
    'n,fare,"word\n1,2,x\n': "the header cannot be read",
    f"{HEADER}1,2\n": "row 2 (the header is row 1) has 2 cells, allowed are 3 as in the header",
    f"{GOOD}\n1,2,x,y\n": "row 3 (the header is row 1) has 4 cells, allowed are 3 as in the header",
    f'{GOOD}1,2,"x\n3,4,y\n': "in the row that begins in line 3 a quote is not closed",
    f'{HEADER}1,2,"x\n3,4,"y\n5,6,z"\n': "in the row that begins in line 2 a quote is not closed",
    f"{HEADER}1,2,S\0o\n": "line 2 has a NUL byte, allowed is text",
    f"{HEADER}1,2,São\n".encode("latin-1"): "line 2 is not UTF-8 (the byte 0xe3), as in a file",
    GOOD.encode("utf-16"): "the file is UTF-16, allowed is UTF-8",
    GOOD.encode("utf-16-be"): "the file is UTF-16 by its NUL bytes, allowed is UTF-8",
    GOOD.encode("utf-32"): "the file is UTF-32, allowed is UTF-8",
    b"PK\x03\x04": "a zip archive or an Excel workbook by its first bytes, allowed is a CSV, plain",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0": "a workbook of an old Excel by its first bytes",
    bz2.compress(GOOD.encode()): "a bzip2 file by its first bytes",
    lzma.compress(GOOD.encode()): "an xz file by its first bytes",
    "version https://git-lfs.github.com/spec/v1\nsize 12\n": "a pointer of Git LFS by its first",
    f'{GOOD}1,2,"x\\"y"\n': "in the row that begins in line 3 a quote is not closed",
    f"{GOOD}1,nan,x\n": "the column fare holds nan in row 3 (the header is row 1), allowed is a",
    f"{HEADER}\n1,1e39,x\n": "the column fare holds 1e39 in row 2 (the header is row 1), allowed",
    f"{HEADER}1,-inf,x\n": "the column fare holds -inf in row 2 (the header is row 1), allowed",
    f"{HEADER}1,1e400,x\n": "the column fare holds 1e400 in row 2 (the header is row 1), allowed",
}


@pytest.mark.parametrize(("content", "fault"), FAULTS.items())
@pytest.mark.parametrize("types", [TYPES, None], ids=["typed", "guessed"])
def test_a_fault_is_the_same_sentence_whether_types_are_guessed_or_not(
    place, content, fault, types
):
    file = place(content)

    assert sentence(file, types).startswith(fault)


TYPED_FAULTS = {
    "n,fare\n1,2\n": "the column word of schema.pbtxt is missing, found are n, fare",
    "n,fare,word,mood\n1,2,x,y\n": "the column mood is not in schema.pbtxt, allowed are fare, n",
    'n,fare,"wo,rd"\n1,2,x\n': "the column word of schema.pbtxt is missing, found are n, fare, 'wo",
    "n,fare, word\n1,2,x\n": "the column word of schema.pbtxt is missing, found are n, fare, ' wor",
    f"{HEADER}1.5,2,x\n": "the column n holds 1.5 in row 2 (the header is row 1), allowed is a who",
    f"{HEADER}1,much,x\n": "the column fare holds much in row 2 (the header is row 1), allowed is",
    f"{HEADER}1,{'z' * 9999},x\n": "the column fare holds zzz",
    f"{','.join(map(str, range(5000)))}\n1\n": "the column fare, n, word of schema.pbtxt is missing",
    "n,fare,wo\u0301rd\n1,2,x\n": (
        r"the column word of schema.pbtxt is missing, found are n, fare, 'wo\u0301rd'"
    ),
    f"{GOOD}0x10,2,x\n": "the column n holds 0x10 in row 3 (the header is row 1), allowed is a who",
    f'{HEADER}" 0XFFFFFFFFFFFFFFFF",2,x\n': "the column n holds ' 0XFFFFFFFFFFFFFFFF' in row 2",
}


@pytest.mark.parametrize(("content", "fault"), TYPED_FAULTS.items())
def test_what_the_schema_does_not_allow_is_named(place, content, fault):
    file = place(content)

    assert sentence(file).startswith(fault)


def test_hexadecimal_digits_are_text_where_types_are_guessed(place):
    file = place(GOOD.replace("1,", "0x10,"))

    [row] = rows(file, types=None)

    assert row["n"] == "0x10"


def test_a_null_value_may_look_like_a_number(place):
    file = place(GOOD.replace("1,", "0x0,"))

    table = read_csv(file, TYPES, ["0x0"])

    assert table["n"].to_pylist() == [None]


WIDE_ROW = "1,2," + "x," * 20_000


def test_a_row_of_far_more_cells_than_the_header_is_refused_before_arrow_reads_it():
    """Arrow would write past its memory, and may die of it."""
    text = f"{GOOD}{WIDE_ROW}\n{GOOD}"

    with pytest.raises(DataError) as refusal:
        widths.check(text.encode(), list(TYPES))

    assert str(refusal.value).startswith(
        "row 3 (the header is row 1) has 20003 cells, allowed are 3 as in the header: '1,2,x,x"
    )


def test_commas_inside_quotes_make_no_wide_row(place):
    file = place(f'{HEADER}1,2.5,"{WIDE_ROW}"\n')

    [row] = rows(file)

    assert row["word"] == WIDE_ROW


def test_a_value_that_null_values_lists_is_missing(place):
    file = place(f"{HEADER}1,nan,x\n2,1e39,y\n")

    table = read_csv(file, TYPES, ["", "nan", "1e39"])

    assert table["fare"].null_count == 2


@pytest.fixture
def small_blocks(monkeypatch):
    """Have a small file take many of Arrow's blocks, like a large one."""
    monkeypatch.setattr(parsing, "BYTES_AT_ONCE", 1024)


def test_line_breaks_inside_quotes_are_read_in_each_block(place, small_blocks):
    row = f'1,2.5,"{LONG_VALUE}"\n'
    file = place(HEADER + row * ROW_COUNT)

    table = read_csv(file, TYPES, [""])

    assert table.num_rows == ROW_COUNT
    assert table["word"].unique().to_pylist() == [LONG_VALUE]


def test_a_line_end_inside_quotes_keeps_both_its_bytes_between_two_blocks(place, small_blocks):
    padding = "x" * (parsing.BYTES_AT_ONCE - len(f'{HEADER}1,2,"') - 1)
    file = place(f'{HEADER}1,2,"{padding}\r\ny"\n3,4,z\n')

    [row, _] = rows(file)

    assert row["word"] == f"{padding}\r\ny"


def test_a_row_longer_than_a_block_is_one_sentence(place, small_blocks):
    row = "1,2.5,x\n"
    file = place(f'{HEADER}1,2,"x\n{row * ROW_COUNT}')

    assert sentence(file).startswith("a row is longer than ")


ARCHIVES = {
    "plain": ("rows.csv", GOOD),
    "gzip": ("rows.csv.gz", gzip.compress(GOOD.encode())),
    "zip": ("rows.csv.zip", zipped({"rows.csv": GOOD})),
    "a zip in capitals": ("ROWS.CSV.ZIP", zipped({"rows.csv": GOOD})),
    "a Mac's zip": (
        "rows.csv.zip",
        zipped({"d/": "", "d/rows.csv": GOOD, "__MACOSX/d/._rows.csv": "x", "d/.DS_Store": "x"}),
    ),
}


@pytest.mark.parametrize(("name", "content"), ARCHIVES.values(), ids=ARCHIVES)
def test_a_packed_file_reads_like_a_plain_one(place, name, content):
    file = place(content, name)

    assert column_names(file) == ["n", "fare", "word"]
    assert rows(file) == [{"n": 1, "fare": 2.5, "word": "x"}]


BAD_ARCHIVES = {
    "no zip": ("rows.csv.zip", GOOD, "not a zip archive of one CSV (File is not a zip file)"),
    "an empty zip": ("rows.csv.zip", zipped({}), "not a zip archive of one CSV: there is nothing"),
    "two files": (
        "rows.csv.zip",
        zipped({"a.csv": GOOD, "b.csv": GOOD}),
        "not a zip archive of one CSV: there is a.csv, b.csv in it",
    ),
    "gzip in zip": (
        "rows.csv.zip",
        zipped({"rows.csv.gz": gzip.compress(GOOD.encode())}),
        "a gzip file by its first bytes, allowed is a CSV, plain or packed once",
    ),
    "no gzip": ("rows.csv.gz", GOOD, "not a gzip file of one CSV (Not a gzipped file"),
    "a cut gzip": (
        "rows.csv.gz",
        gzip.compress(GOOD.encode())[:-9],
        "not a gzip file of one CSV (Compressed file ended",
    ),
}


@pytest.mark.parametrize(("name", "content", "fault"), BAD_ARCHIVES.values(), ids=BAD_ARCHIVES)
def test_a_file_that_cannot_be_unpacked_is_named(place, name, content, fault):
    file = place(content, name)

    assert sentence(file).startswith(fault)


def test_a_folder_is_no_file(tmp_path):
    assert sentence(tmp_path) == "cannot be read (Is a directory)"


LINES = GOOD + "".join(f"{number},{number / 7},word {number}\n" for number in range(200))
PACKED = {
    "rows.csv.zip": zipped({"rows.csv": LINES}),
    "rows.csv.gz": gzip.compress(LINES.encode(), mtime=0),
}


@given(
    name=st.sampled_from(sorted(PACKED)),
    place_in_file=st.integers(min_value=0),
    byte=st.integers(min_value=1, max_value=255),
)
@example(name="rows.csv.zip", place_in_file=60, byte=255)  # the stream: zlib.error
def test_a_damaged_archive_is_read_or_named(tmp_path_factory, name, place_in_file, byte):
    content = bytearray(PACKED[name])
    content[place_in_file % len(content)] ^= byte
    file = tmp_path_factory.getbasetemp() / name
    file.write_bytes(content)

    try:
        table = read_csv(file, TYPES, [""])
    except DataError as error:
        assert str(error).startswith(f"{file}: ")
    else:
        assert table.num_rows == 201


@given(st.floats())
@example(3.4028234663852886e38)
@example(3.402823466385289e38)
def test_a_file_may_hold_the_numbers_that_a_request_may_hold(tmp_path_factory, number):
    file = tmp_path_factory.getbasetemp() / "number.csv"
    file.write_text(f"{HEADER}1,{number!r},x\n")

    if is_float32(number):
        [row] = rows(file)
        assert row["fare"] == number
    else:
        assert sentence(file).startswith(f"the column fare holds {number!r} in row 2")


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\ufeff"))
names = texts.filter(str.strip)
headers = st.lists(names, min_size=2, max_size=4, unique=True)
values = st.lists(texts, min_size=4, max_size=4)
tables = st.lists(values, min_size=1, max_size=5)
line_ends = st.sampled_from(["\n", "\r\n", "\r"])


@given(header=headers, table=tables, line_end=line_ends)
@example(header=["n", "a,b"], table=[["x\ny", '"', "", ","]], line_end="\r")
def test_what_is_written_is_read_whatever_the_names_and_values_are(
    tmp_path_factory, header, table, line_end
):
    file = tmp_path_factory.getbasetemp() / "texts.csv"
    columns = [*header, "end of row"]
    cells = [[*row[: len(header)], "."] for row in table]
    write(file, [columns, *cells], line_end)
    types = dict.fromkeys(columns, "BYTES")

    read_rows = [list(row.values()) for row in rows(file, types)]

    assert column_names(file) == columns
    assert read_rows == [[cell or None for cell in row] for row in cells]


def write(file: Path, table: list[list[str]], line_end: str) -> None:
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator=line_end)
        writer.writerows(table)
