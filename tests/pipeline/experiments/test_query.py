"""Conditions and order of the list of runs."""

import math

import hypothesis.strategies as st
import pytest
from hypothesis import given

from pipeline.errors import ConfigurationError
from pipeline.experiments import query
from pipeline.experiments.row import Row


def run(name, **facts):
    return Row(run=name, place="here", model="seat", state="succeeded", **facts)


ROWS = [
    run("good", metrics={"auc": 0.95}, tags=("x", "keep"), blessed=True, started="2026-03-01"),
    run("bad", metrics={"auc": 0.5}, tags=("y",), blessed=False, started="2026-03-02"),
    run("none", metrics={"auc": math.nan}, started="2026-03-03"),
    run("other", hyperparameters={"units": 8, "activation": "relu"}, started="2026-03-04"),
]


def names(rows):
    return [row.run for row in rows]


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("auc > 0.9", ["good"]),
        ("auc>0.9 and tag=x", ["good"]),
        ("auc > 0.9 AND tag = y", []),
        ("auc <= 0.5", ["bad"]),
        ("auc != 0.95", ["bad"]),
        ("auc = 0.950", ["good"]),
        ("metrics.auc >= 0.95", ["good"]),
        ("tag != x", ["bad", "none", "other"]),
        ("tag = keep", ["good"]),
        ("blessed = yes", ["good"]),
        ("blessed = no", ["bad"]),
        ("blessed = true", ["good"]),
        ("units < 10", ["other"]),
        ("activation = relu", ["other"]),
        ("hyperparameters.activation = 'relu'", ["other"]),
        ('run = "good"', ["good"]),
        ("started >= 2026-03-03", ["none", "other"]),
        ("state = succeeded", ["good", "bad", "none", "other"]),
    ],
)
def test_a_condition_selects(where, expected):
    assert names(query.select(ROWS, where)) == expected


@pytest.mark.parametrize("sign", query.OPERATORS)
def test_what_is_no_number_never_matches(sign):
    chosen = query.select(ROWS, f"auc {sign} 0.7")

    assert not {"none", "other"} & set(names(chosen))


@pytest.mark.parametrize(
    ("where", "words"),
    [
        ("", "unclear"),
        ("auc", "unclear from 'auc' on"),
        ("auc >", "unclear"),
        ("auc > 0.9 or tag = x", "unclear from 'or tag = x' on"),
        ("auc > 0.9 and", "unclear"),
        ("auc > 0.9 tag = x", "unclear from 'tag = x' on"),
        ("auk > 0.9", "the nearest are auc"),
        ("auc > high", "compares auc with 'high', allowed is a number"),
        ("auc > nan", "compares auc with 'nan', allowed is a number"),
        ("blessed = maybe", "allowed are yes and no"),
        ("tag > x", "compares tag by >, allowed are = and !="),
    ],
)
def test_a_condition_that_cannot_be_met_is_refused(where, words):
    with pytest.raises(ConfigurationError, match="--where") as raised:
        query.select(ROWS, where)

    assert words in str(raised.value)


def test_a_name_of_two_groups_is_ambiguous():
    rows = [run("a", metrics={"loss": 1.0}, hyperparameters={"loss": "mse"})]

    with pytest.raises(ConfigurationError, match=r"metrics\.loss and hyperparameters\.loss"):
        query.select(rows, "loss > 1")


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        (None, ["other", "none", "bad", "good"]),
        ("auc", ["bad", "good", "other", "none"]),
        ("-auc", ["good", "bad", "other", "none"]),
        ("run", ["bad", "good", "none", "other"]),
        ("-started", ["other", "none", "bad", "good"]),
        ("activation", ["other", "none", "bad", "good"]),
    ],
)
def test_rows_are_put_in_order(sort, expected):
    assert names(query.ordered(ROWS, sort)) == expected


def test_an_unknown_name_to_sort_by_is_refused():
    with pytest.raises(ConfigurationError, match=r"--sort names 'aoc'.*auc"):
        query.ordered(ROWS, "-aoc")


def test_numbers_and_texts_of_one_name_have_an_order():
    rows = [
        run("text", hyperparameters={"units": "many"}),
        run("number", hyperparameters={"units": 8}),
    ]

    assert names(query.ordered(rows, "units")) == ["number", "text"]


VALUES = st.one_of(st.none(), st.floats(), st.just(math.nan))


@given(st.lists(VALUES, max_size=8), st.floats(allow_nan=False), st.sampled_from(["<", ">=", "="]))
def test_a_condition_and_its_opposite_divide_the_numbers(values, bound, sign):
    opposite = {"<": ">=", ">=": "<", "=": "!="}[sign]
    rows = [run(str(i), metrics={"m": value}) for i, value in enumerate(values)]
    rows.append(run("known", metrics={"m": 0.0}))

    chosen = names(query.select(rows, f"m {sign} {bound!r}"))
    others = names(query.select(rows, f"m {opposite} {bound!r}"))

    numbers = [row.run for row in rows if not query.is_missing(row.metrics["m"])]
    assert sorted([*chosen, *others]) == sorted(numbers)


@given(st.text())
def test_any_text_is_a_filter_or_is_refused(where):
    try:
        chosen = query.select(ROWS, where)
    except ConfigurationError:
        return
    assert set(names(chosen)) <= set(names(ROWS))
