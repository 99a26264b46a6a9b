"""A log as hostile as logs are: all of it is counted under its name, and the rest is as it was."""

import dataclasses
import json
import re

import pytest
from google.cloud import bigquery as library
from hypothesis import given
from hypothesis import strategies as st

from pipeline.baseline import counting
from pipeline.errors import RunError
from pipeline.gcp import bigquery as jobs
from pipeline.monitoring.log import json_texts, log_tables, profiles
from pipeline.serving.row_key import ROW_KEY, SMOKE
from tests.pipeline.monitoring import request_logs
from tests.pipeline.monitoring.request_logs import DAY, Request

GOOD_ROWS = 300
MALFORMED = [
    "",
    "{",
    '{"fare": 1, bad',
    '{"fare": NaN}',
    '{"fare": 01}',
    '{"fare": "\\ud800"}',
    '{"fare": "a\tb"}',
    "[1, 2]",
    "null",
    '{"fare": 1} {"fare": 2}',
]
FOREIGN = ['{"sepal": 1.5}', "{}", '{"fare": null}']
ODD = ['{"fare": "12.5"}', '{"fare": 1e308}', '{"fare": 1e400}', '{"fare": [1]}', '{"fare": true}']
VERTEX_COLUMNS = request_logs.COLUMNS


@pytest.fixture(scope="module")
def good(taxi):
    """Requests of a taxi each, and what is to be counted of them."""
    rows, scores = taxi.rows.slice(0, GOOD_ROWS), taxi.scores[:GOOD_ROWS]
    return request_logs.requests_of(rows, scores)


@pytest.fixture(scope="module")
def expected(taxi, small_baseline):
    rows, scores = taxi.rows.slice(0, GOOD_ROWS), taxi.scores[:GOOD_ROWS]
    return counting.profile(small_baseline, rows, scores)


@pytest.fixture(scope="module")
def hostile(bigquery, good, small_baseline):
    """The good requests of version 1 among bad ones; each kind of bad ones has its version."""
    crowd = Request(version="crowd", questions=good[0].questions * 1000, answers=["0.5"] * 1000)
    smoke = json.dumps({**json.loads(good[0].questions[0]), ROW_KEY: SMOKE})
    short = dataclasses.replace(good[0], version="short", questions=good[0].questions * 3)
    requests = [
        *good,
        *(Request(version="malformed", questions=[text], answers=["0.5"]) for text in MALFORMED),
        *(Request(version="foreign", questions=[text], answers=["0.5"]) for text in FOREIGN),
        Request(version="odd", questions=ODD, answers=["null", '"0.5"', "[0.5]", "NaN", "2.5"]),
        Request(version="empty", questions=[]),
        crowd,
        *(dataclasses.replace(request, version="alone") for request in good[:10]),
        short,
        *[dataclasses.replace(good[0], version="twice", id=7_000_000)] * 3,
        Request(version="smoke", questions=[smoke], answers=["0.5"]),
        Request(version=None, questions=good[0].questions, answers=["0.5"]),
        Request(version="stranger", questions=good[0].questions, answers=["0.5"]),
        *request_logs.moved(good[:5], -2 * 86_400),
        *request_logs.moved(good[:5], 2 * 86_400),
    ]
    versions = {request.version for request in requests if request.version} - {"stranger"}
    baselines = dict.fromkeys(sorted(versions), small_baseline)
    name = request_logs.log(bigquery, requests)
    counts = profiles.count(bigquery, name, "demo.log.hostile", "taxi", DAY, baselines)
    return {version: entry.whole for version, entry in counts.items()}


def test_good_requests_are_counted_as_if_they_were_alone(hostile, expected):
    assert hostile["1"].columns["fare"].bins == expected.columns["fare"].bins
    assert hostile["1"].instances == expected.instances


def test_malformed_elements_are_counted_and_nothing_more(hostile):
    assert hostile["malformed"].unparsable == len(MALFORMED)
    assert hostile["malformed"].instances == 0


def test_another_model_s_payloads_are_counted_as_foreign(hostile):
    assert hostile["foreign"].foreign == len(FOREIGN)
    assert hostile["foreign"].columns["fare"].total == 0


def test_text_lists_and_endless_numbers_are_mistyped(hostile):
    assert hostile["odd"].columns["fare"].mistyped == 4
    assert sum(hostile["odd"].columns["fare"].bins) == 1


def test_what_is_no_finite_number_is_no_score(hostile):
    assert hostile["odd"].unanswered == 4
    assert hostile["odd"].scores[-1] == 1


def test_a_request_without_instances_counts_as_a_request(hostile):
    assert hostile["empty"].requests == 1
    assert hostile["empty"].instances == 0
    assert hostile["empty"].unparsable == 0


def test_a_thousand_instances_of_one_caller_are_one_witness(hostile):
    assert hostile["crowd"].instances == 1000
    assert hostile["crowd"].effective == 1
    assert hostile["alone"].effective == 10


def test_a_response_shorter_than_its_request_leaves_instances_unanswered(hostile):
    assert hostile["short"].instances == 3
    assert hostile["short"].unanswered == 2


def test_a_request_logged_three_times_counts_once(hostile):
    assert hostile["twice"].requests == 1


def test_a_smoke_test_is_counted_by_itself(hostile):
    assert hostile["smoke"].smoke == 1
    assert hostile["smoke"].instances == 0
    assert hostile["smoke"].requests == 0


def test_an_id_without_a_baseline_is_counted_without_columns(hostile):
    assert hostile["stranger"].instances == 1
    assert hostile["stranger"].columns == {}
    assert hostile[""].instances == 1


@pytest.mark.parametrize("day", [DAY.replace(month=12), DAY.replace(year=2199)])
def test_a_day_without_rows_has_an_empty_profile(bigquery, good, small_baseline, day):
    name = request_logs.log(bigquery, good[:1])
    counts = profiles.count(bigquery, name, "demo.log.empty", "taxi", day, {"1": small_baseline})
    assert counts["1"].whole.instances == 0
    assert counts["1"].whole.columns["fare"].total == 0


@pytest.mark.parametrize("name", ["demo.log.nothing", "demo.nothing.nothing"])
def test_a_log_without_a_table_has_an_empty_profile(bigquery, small_baseline, name):
    counts = profiles.count(bigquery, name, "demo.log.empty", "taxi", DAY, {"1": small_baseline})
    assert counts["1"].whole.instances == 0


def test_a_log_of_another_form_of_name_is_refused(bigquery, small_baseline):
    with pytest.raises(RunError, match=r"allowed is PROJECT\.DATASET\.TABLE"):
        profiles.count(bigquery, "requests", "demo.log.empty", "taxi", DAY, {"1": small_baseline})


def test_an_unpartitioned_log_is_counted_and_its_cost_told(bigquery, good, small_baseline):
    name = request_logs.log(bigquery, good[:10], partitioned=False)
    counts = profiles.count(bigquery, name, "demo.log.empty", "taxi", DAY, {"1": small_baseline})

    [note] = log_tables.described(bigquery, name).notes

    assert counts["1"].whole.instances == 10
    assert f"{name} is not partitioned by logging_time: each day's count reads all of it" in note


@pytest.mark.parametrize(
    ("lacking", "version", "unanswered"),
    [("deployed_model_id", "", 0), ("request_id", "1", 0), ("response_payload", "1", 10)],
)
def test_an_older_log_of_fewer_columns_is_counted(
    bigquery, good, small_baseline, lacking, version, unanswered
):
    columns = [column for column in VERTEX_COLUMNS if column[0] != lacking]
    name = request_logs.log(bigquery, good[:10], columns=columns)

    counts = profiles.count(bigquery, name, "demo.log.empty", "taxi", DAY, {"1": small_baseline})

    assert counts[version].whole.instances == 10
    assert counts[version].whole.unanswered == unanswered


def test_a_log_of_more_columns_is_counted(bigquery, good, small_baseline):
    columns = [*VERTEX_COLUMNS, ("metadata", "STRING", "NULLABLE")]
    name = request_logs.log(bigquery, good[:10], columns=columns)
    counts = profiles.count(bigquery, name, "demo.log.empty", "taxi", DAY, {"1": small_baseline})
    assert counts["1"].whole.instances == 10


def test_a_table_that_is_no_log_is_refused(bigquery, small_baseline):
    columns = [column for column in VERTEX_COLUMNS if column[0] != "request_payload"]
    name = request_logs.table(bigquery, columns)
    with pytest.raises(RunError, match="has no column request_payload, allowed is a table with"):
        profiles.count(bigquery, name, "demo.log.empty", "taxi", DAY, {"1": small_baseline})


def test_a_legacy_log_is_counted(bigquery, good, small_baseline):
    bodies = [
        ("taxi", {"instances": [json.loads(good[0].questions[0])]}, {"predictions": [0.5]}),
        ("taxi", {"instances": [{"fare": 1.5}, {"fare": "x"}]}, {"predictions": [0.5, 0.25]}),
        ("other", {"instances": [{"fare": 1.5}]}, {"predictions": [0.5]}),
    ]
    texts = [
        (model, json.dumps(question), json.dumps(answer)) for model, question, answer in bodies
    ]
    texts.append(("taxi", '{"instances": [', "{"))
    rows = [
        {
            "model": model,
            "model_version": "v1",
            "time": f"{DAY}T01:00:00+00:00",
            "raw_data": question,
            "raw_prediction": answer,
        }
        for model, question, answer in texts
    ]
    name = request_logs.table(bigquery, request_logs.LEGACY_COLUMNS, partitioned=False)
    request_logs.load(bigquery, name, rows)
    baselines = {"v1": small_baseline}

    counts = profiles.count(
        bigquery, name, "demo.log.empty", "taxi", DAY, baselines, legacy_model="taxi"
    )

    profile = counts["v1"].whole
    assert (profile.instances, profile.unparsable, profile.requests) == (3, 1, 3)
    assert profile.unanswered == 0
    assert profile.columns["fare"].mistyped == 1


TEXTS = st.text(max_size=8)
FINITE = st.floats(allow_nan=False, allow_infinity=False)
SCALARS = st.none() | st.booleans() | st.integers() | FINITE | TEXTS
FLAT = st.dictionaries(TEXTS, SCALARS | st.lists(SCALARS, max_size=3), max_size=4)


@given(FLAT, st.booleans())
def test_every_instance_is_read_as_json(instance, escaped):
    text = json.dumps(instance, ensure_ascii=escaped)
    assert re.search(json_texts.INSTANCE, text)


@given(FLAT, st.integers(0, 40), st.sampled_from('{}[]",:\\0x'))
def test_no_text_is_read_that_is_no_json(instance, place, character):
    text = json.dumps(instance)
    broken = text[:place] + character + text[place + 1 :]

    if re.search(json_texts.INSTANCE, broken):
        assert isinstance(json.loads(broken), dict)


def test_bigquery_reads_a_literal_as_it_was(bigquery):
    texts = ["a'b", "a\\b", "a\\x41", "a\nb", "`", "é\u2028", 'q"q', "\\'", "%s {x}"]
    listed = ", ".join(map(json_texts.literal, texts))
    [row] = jobs.run(bigquery, f"SELECT [{listed}] AS texts", "a literal")
    assert row["texts"] == texts


def test_the_streaming_of_late_rows_is_seen_by_the_next_count(bigquery, good, small_baseline):
    name = request_logs.log(bigquery, good[:10])
    versions = {"1": small_baseline}
    first = profiles.count(bigquery, name, "demo.log.late", "taxi", DAY, versions)
    late = [dataclasses.replace(request, id=None) for request in good[10:15]]
    bigquery.insert_rows_json(
        name, [request.row() for request in late], row_ids=library.AutoRowIDs.DISABLED
    )

    second = profiles.count(bigquery, name, "demo.log.late", "taxi", DAY, versions)

    assert first["1"].whole.instances == 10
    assert second["1"].whole.instances == 15
    stored = profiles.read(bigquery, "demo.log.late", "taxi", DAY, DAY, versions)
    assert stored["1"][DAY] == second["1"].whole
