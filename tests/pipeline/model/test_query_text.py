"""What query.sql may hold: placeholders are found where BigQuery would find a parameter."""

from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.errors import ConfigurationError
from pipeline.model import query
from pipeline.model.folder import ModelFolder
from tests.pipeline.conftest import IMAGES, copy_small, edit

END = date(2026, 11, 27)
BEGIN_VALUE = 'TIMESTAMP("2026-10-28")'  # cab's window has 30 days
END_VALUE = 'TIMESTAMP("2026-11-27")'
VALUES = {"@begin": BEGIN_VALUE, "@end": END_VALUE, "@table": "`p.d.t`", "\r\n": "\n"}
# What is text to BigQuery, whatever it holds.
QUIET = (
    "-- x@example.org; @begin\n",
    "# x@example.org; @begin\n",
    "/* x@example.org; \n @begin */",
    "/* one, not two /* x@y; @begin */",
    "/*+ x@y; @begin */",
    "'@begin; x@y'",
    '"@begin; x@y"',
    "'it\\'s @begin'",
    "'''@begin; '\n@x'''",
    '"""@begin; "\n@x"""',
    "r'\\@begin;'",
    'R"\\d@begin"',
    "b'@begin;'",
    "rb'''@begin;'''",
    "`a@begin;`",
    "`a\\`@begin`",
    "STRPOS(company, '@')",
    "';'",
    "@@time_zone",
    "@@row_count",
)


def written_out(folder, text):
    file = folder / "query.sql"
    file.write_text(text, encoding="utf-8", newline="")
    model = ModelFolder.load(str(folder))
    return query.written_out(model, "p.d.t", END)


def refusal(folder, text):
    with pytest.raises(ConfigurationError) as refused:
        written_out(folder, text)
    message = str(refused.value)
    return message.replace(str(folder), "")


@pytest.mark.parametrize("quiet", QUIET)
def test_what_is_text_to_bigquery_stays_as_it_is(cab, quiet):
    text = written_out(cab, f"SELECT 1, {quiet} AS a FROM @table WHERE t >= @begin AND t < @end")

    assert text == (
        f"SELECT 1, {quiet} AS a FROM `p.d.t` WHERE t >= {BEGIN_VALUE} AND t < {END_VALUE}"
    )


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(
    parts=st.lists(st.sampled_from([*QUIET, "@begin", "@end", "@table", ",", "a.b", "(1)", "\r\n"]))
)
def test_only_placeholders_are_replaced_in_any_mixture(tmp_path_factory, parts):
    place = tmp_path_factory.mktemp("folder")
    folder = copy_small("cab", place)
    inner_text = " ".join(parts)

    text = written_out(folder, f"SELECT {inner_text} x")

    expected_parts = [VALUES.get(part, part) for part in parts]
    expected_text = " ".join(expected_parts)
    assert text == f"SELECT {expected_text} x"


@pytest.mark.parametrize(
    ("text", "statement"),
    [
        ("SELECT 1;", "SELECT 1"),
        ("SELECT 1 ; -- the end; x@y\n", "SELECT 1  -- the end; x@y"),
        ("SELECT 1;\n;\n# the end", "SELECT 1\n\n# the end"),
        ("SELECT ';' /* ; */;", "SELECT ';' /* ; */"),
        ("\ufeffSELECT 1", "SELECT 1"),
        ("(SELECT 'é日')", "(SELECT 'é日')"),
        ("SELECT 1 FROM@table WHERE t<@end--", f"SELECT 1 FROM `p.d.t` WHERE t<{END_VALUE}--"),
        ("SELECT@begin,(@end)", f"SELECT {BEGIN_VALUE},({END_VALUE})"),
        ("FROM @table |> WHERE t < @end", f"FROM `p.d.t` |> WHERE t < {END_VALUE}"),
    ],
)
def test_the_semicolon_that_ends_the_statement_goes(cab, text, statement):
    written_text = written_out(cab, text)

    assert written_text == statement


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("SELECT @beginning", "an unknown placeholder @beginning, allowed are @begin, @end and"),
        ("SELECT @begin2", "an unknown placeholder @begin2, allowed are"),
        ("SELECT @BEGIN", "an unknown placeholder @BEGIN, allowed are"),
        ("SELECT @ begin", "an unknown placeholder @, allowed are"),
        ("SELECT ?", "an unknown placeholder ?, allowed are"),
        ("SELECT 1; SELECT 2", "there is more than one statement, allowed is one query"),
        ("SELECT 1; x", "there is more than one statement, allowed is one query"),
        ("", "there is no statement, allowed is a query"),
        ("-- SELECT 1\n;", "there is no statement, allowed is a query"),
        ("CREATE TABLE t (a INT64)", "the statement begins with 'CREATE', allowed are SELECT, WI"),
        ("CALL p(@begin)", "the statement begins with 'CALL', allowed are SELECT, WITH, FROM, ("),
        ("SELECT 'a", "a string, a comment or a quoted name has no end: "),
        ("SELECT /* a", "a string, a comment or a quoted name has no end: "),
        ("SELECT `a", "a string, a comment or a quoted name has no end: "),
        ("SELECT '''a'", "a string, a comment or a quoted name has no end: "),
    ],
)
def test_a_query_that_cannot_run_is_one_sentence(cab, text, sentence):
    message = refusal(cab, text)

    assert f"/query.sql: {sentence}" in message
    assert len(message) < 400


def test_a_file_in_latin_1_is_one_sentence(cab):
    file = cab / "query.sql"
    file.write_bytes(b"SELECT 'caf\xe9'")
    folder = ModelFolder.load(str(cab))

    with pytest.raises(ConfigurationError, match=r"query.sql: byte 11 is 0xe9, which is not UTF-8"):
        query.written_out(folder, "p.d.t", END)


@pytest.mark.parametrize("quoted", ["'`a.b`'", "# `a.b`\n1", "'''\n`a.b`'''", "r'`a.b`'"])
def test_a_table_in_a_string_or_a_comment_is_not_read(cab, quoted):
    edit(cab / "model.toml", r'^location = "US"$', "")
    file = cab / "query.sql"
    file.write_text(f"SELECT {quoted} FROM @table")
    folder = ModelFolder.load(str(cab))

    location = query.location(folder, "us-east1")

    assert location == "us-east1"


@pytest.mark.parametrize(
    ("end", "days"), [(date(1, 1, 5), 30), (date(1, 1, 1), 1), (date(99, 1, 1), 36_525)]
)
def test_a_window_that_begins_before_the_first_day_is_refused(cab, end, days):
    edit(cab / "model.toml", r"^window_days = .*", f"window_days = {days}")
    folder = ModelFolder.load(str(cab))

    with pytest.raises(
        ConfigurationError, match=rf"data.window_days is {days}, and the window ends on {end}: "
    ):
        query.written_out(folder, "p.d.t", end)


def test_a_day_too_early_for_the_window_is_wrong_usage(cab, cli, tmp_path):
    result = cli("compile", cab, "--env", "dev", *IMAGES, "--end", "0001-01-05")

    assert result.code == 2
    assert "allowed is a window that begins on 0001-01-01 or later" in result.sentence
