"""An unservable model is not published, however well it scores."""

import pytest

from tests.pipeline.conftest import NULL_WITHOUT_A_FARE, SCORE, edit, parsed

UNFIT = {
    "a constant": (r'return {"score": 0.0 * \1 + 0.5}', "the model answers a constant, 0.5"),
    "null for a request without a fare": (
        NULL_WITHOUT_A_FARE,
        "an empty instance is answered with",
    ),
    "out of range": (r'return {"score": \1 + 1.0}', "expected is a finite number from 0 to 1"),
}


@pytest.mark.parametrize(("answer", "says"), UNFIT.values(), ids=UNFIT)
def test_an_unfit_model_is_not_published(answer, says, cab, cli, trained):
    edit(cab / "model.py", SCORE, answer)
    published_sha256 = trained.published_sha256

    result = cli("run", cab, "--runs", trained.runs, "--json")

    decision = parsed(result)["decision"]
    assert result.code == 3, result.err
    assert not decision["blessed"]
    assert decision["published"] is None
    assert says in decision["reason"]
    assert trained.published_sha256 == published_sha256


def test_an_unfit_model_is_not_the_next_ones_bar(cab, cli, trained):
    edit(cab / "model.py", SCORE, NULL_WITHOUT_A_FARE)

    unfit_run = cli("run", cab, "--runs", trained.runs, "--json")
    next_run = cli("run", trained.folder, "--runs", trained.runs, "--json")

    unfit_summary = parsed(unfit_run)
    next_summary = parsed(next_run)
    bounds = [check for check in unfit_summary["gate"] if not check["holds"]]
    assert bounds == []
    assert not unfit_summary["decision"]["blessed"]
    assert next_summary["baseline"]["model"] == unfit_summary["baseline"]["model"]


def test_a_model_that_answers_no_number_cannot_be_judged(cab, cli, trained):
    edit(cab / "model.py", SCORE, r'return {"score": \1 * float("nan")}')
    published_sha256 = trained.published_sha256

    result = cli("run", cab, "--runs", trained.runs, "--json")

    decision = parsed(result)["decision"]
    assert result.code == 1
    assert (
        decision["reason"]
        == "not published: the model's answer is nan for held-out rows, allowed are finite numbers"
    )
    assert trained.published_sha256 == published_sha256


def test_a_model_that_raises_is_a_failed_run_with_its_own_words(cab, cli, trained):
    raising = 'def run_fn(fn_args):\n    raise ValueError("no such luck")\n\n\n'
    edit(cab / "model.py", r"^def run_fn\(.*\n", f"{raising}def _old_run_fn(fn_args):\n")

    result = cli("run", cab, "--runs", trained.runs, "--json")

    summary = parsed(result)
    assert result.code == 1
    assert "Trainer failed with ValueError: no such luck (log: " in summary["error"]
    assert "Traceback" not in result.err
