import json
import math
import subprocess

import pytest
import yaml

from pipeline.cards import drawing, hugging_face
from settings import REPOSITORY

# huggingface_hub is in the dev venv: a card is written without it.
READ = """
import json, sys
from huggingface_hub import ModelCard
data = ModelCard(sys.stdin.read()).data
results = [[r.dataset_name, r.metric_type, r.metric_value] for r in data.eval_results]
print(json.dumps({"license": data.license, "results": results}))
"""


@pytest.fixture
def readme(make_card):
    def draw(**words):
        files = drawing.files(make_card(**words))
        return files["README.md"]

    return draw


@pytest.fixture
def page(make_card):
    def draw(**words):
        files = drawing.files(make_card(**words))
        return files["card.html"]

    return draw


def read(text):
    """What Hugging Face's own library reads in a card."""
    command = ["build/environment", "dev", "python", "-c", READ]
    process = subprocess.run(
        command, cwd=REPOSITORY, input=text, capture_output=True, text=True, check=True
    )
    return json.loads(process.stdout)


def test_hugging_face_reads_each_metric_of_each_slice(readme):
    card = read(readme(license="apache-2.0"))

    assert card["license"] == "apache-2.0"
    first, second, third = card["results"]
    assert first[1:] == ["roc_auc", 0.8125]
    assert second[1:] == ["recall", 0.4375]
    assert third[1:] == ["roc_auc", 0.75]
    assert third[0].endswith(", payment=card | cash")


def test_what_nobody_stated_is_said_and_has_no_key(readme, make_card):
    text = readme()

    assert "| licence of the model | not stated |" in text
    assert "Users: not stated" in text
    assert "## In the owner's words\n\nnot stated" in text
    keys = yaml.safe_load(hugging_face.front_matter(make_card()))
    assert "license" not in keys


def test_files_of_which_nobody_knows_are_not_said_to_be_the_commit_s(readme, summary):
    summary["records"]["code"] |= {"changed_files": None, "not_kept": "git status failed"}

    text = readme()

    assert "| files that differed from it | not stated |" in text
    assert "| not kept | `git status failed` |" in text


def test_a_figure_without_an_interval_says_so(readme):
    text = readme()

    assert "| all (500 rows) | auc | 0.8125 | 0.7812 to 0.8438 | 0.6500 |" in text
    assert "| all (500 rows) | recall | 0.4375 | not stated | – |" in text


ROWS = "payment=card \\| cash (40 rows)"


def test_a_metric_that_a_slice_has_not_has_no_number(readme):
    text = readme()

    assert f"| {ROWS} | recall | no number | not stated | – |" in text
    assert "recall (payment=card | cash)" in text.replace("\\", "")


@pytest.mark.parametrize("value", [None, math.nan, math.inf])
def test_a_metric_without_a_number_breaks_no_card(readme, page, summary, value):
    summary["metrics"]["auc"] = value
    summary["gate"][0] |= {"value": value, "holds": False}
    summary["intervals"] = {"all": {"auc": None}}

    text = readme()
    html = page()

    assert "| all (500 rows) | auc | no number | not stated | 0.6500 |" in text
    assert "- auc (all): no number, at least 0.6500: does not hold" in text
    assert '<td class="n">no number</td>' in html
    assert "nan" not in html


def test_a_judged_metric_that_nothing_measured_has_no_number(readme, summary):
    del summary["metrics"]["auc"]
    del summary["slices"]["payment=card | cash"]["auc"]

    text = readme()

    assert "| all (500 rows) | auc | no number |" in text


def test_rows_that_nobody_counted_are_not_stated(readme, summary):
    del summary["metrics"]["example_count"]

    assert "| all (rows not stated) | auc |" in readme()


def test_hugging_face_reads_a_card_without_a_number(readme, summary):
    summary["metrics"]["auc"] = math.nan

    results = read(readme())["results"]

    assert [result[1] for result in results] == ["recall", "roc_auc"]


def test_a_card_without_any_number_has_no_results(make_card, summary):
    summary["metrics"] |= {"auc": None, "recall": None}
    summary["slices"] = {}

    keys = yaml.safe_load(hugging_face.front_matter(make_card()))

    assert "model-index" not in keys


def test_a_slice_s_value_breaks_no_table(readme):
    text = readme()

    assert "| payment=card \\| cash (40 rows) | auc |" in text


def test_the_owner_s_text_is_kept_as_it_is(readme):
    text = "Mind the | and the `code`.\n\n- a list"

    assert readme(text=text).endswith(f"## In the owner's words\n\n{text}")


def test_the_page_shows_the_same_figures(page):
    html = page()

    assert "0.7812 to 0.8438" in html
    assert "payment=card | cash" in html


def test_the_page_takes_no_text_for_html(page):
    assert "<script>" not in page(text="<script>alert(1)</script>")
