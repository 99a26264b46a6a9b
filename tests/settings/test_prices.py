"""prices.toml: the team's own prices, checked before anything is planned.

Hypothesis is in the pipeline's venv, so that the module is not beside the others of the review.
"""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.errors import UsageError
from infra.review import prices

NO_TOML = "prices.toml: not TOML that can be read:"
NO_PRICE = "allowed is a price per hour from 0 to 1000000000"
NO_MACHINE = "is no machine type, allowed are those of Compute Engine"
SENTENCES = {
    "n1-standard-4 = ": f"{NO_TOML} Invalid value",
    "n1-standard-4 = 1\nn1-standard-4 = 2": f"{NO_TOML} Cannot overwrite a value",
    b"\xff": f"{NO_TOML} 'utf-8' codec can't decode byte",
    "n1-standard-4 = 1e99999999999999999999": f"{NO_TOML} [<class 'decimal.InvalidOperation'>]",
    "n1-standard-4 = -0.1": f"prices.toml: n1-standard-4 is -0.1, {NO_PRICE}",
    "n1-standard-4 = 1e999999": f"prices.toml: n1-standard-4 is 1E+999999, {NO_PRICE}",
    "n1-standard-4 = 1000000000.1": f"prices.toml: n1-standard-4 is 1000000000.1, {NO_PRICE}",
    "n1-standard-4 = nan": f"prices.toml: n1-standard-4 is NaN, {NO_PRICE}",
    "n1-standard-4 = inf": f"prices.toml: n1-standard-4 is Infinity, {NO_PRICE}",
    "n1-standard-4 = true": f"prices.toml: n1-standard-4 is True, {NO_PRICE}",
    'n1-standard-4 = "0.1"': f"prices.toml: n1-standard-4 is '0.1', {NO_PRICE}",
    "[n1-standard-4]\neur = 1": f"prices.toml: n1-standard-4 is {{'eur': 1}}, {NO_PRICE}",
    "eur = 1": f"prices.toml: the key 'eur' {NO_MACHINE}",
    "us-east1 = 1": f"prices.toml: the key 'us-east1' {NO_MACHINE}",
    "[us-east1]\neur = 1": f"prices.toml: the key 'us-east1.eur' {NO_MACHINE}",
    "[us-east1.us-west1]\ne2-small = 1": f"prices.toml: the key 'us-east1.us-west1' {NO_MACHINE}",
    "[us-east1]\ne2-small = -1": f"prices.toml: us-east1.e2-small is -1, {NO_PRICE}",
    "e2-small = -1\ne2-medium = -2": f"e2-small is -1, {NO_PRICE}; e2-medium is -2, {NO_PRICE}",
}
# TOML's numbers, among them those that Decimal takes and a month's price does not.
NUMBERS = st.from_regex(
    r"[+-]?[1-9][0-9]{0,30}(\.[0-9]{1,30})?(e[+-]?[0-9]{1,30})?", fullmatch=True
)
CONTENTS = st.binary() | st.text().map(str.encode)
PRICED = NUMBERS.map(lambda number: f"e2-small = {number}".encode())


@pytest.fixture
def file(tmp_path, monkeypatch):
    """The team's file, which is not there yet."""
    monkeypatch.setattr(prices, "team_folder", lambda: tmp_path)
    return tmp_path / "prices.toml"


def test_without_a_file_there_are_no_prices(file):
    assert prices.read("us-east1") is None


def test_prices_are_read_as_they_are_written(file):
    file.write_text('n1-standard-4 = 0.1\n"e2-custom-2-4096" = 1\n')

    table = prices.read("us-east1")

    assert table == {"n1-standard-4": Decimal("0.1"), "e2-custom-2-4096": Decimal(1)}


@pytest.mark.parametrize(
    ("region", "price"), [("us-east1", "0.1"), ("europe-west1", "0.2"), ("asia-east1", "0.1")]
)
def test_a_region_s_table_has_what_differs_there(file, region, price):
    file.write_text("e2-small = 0.1\ne2-medium = 1\n[europe-west1]\ne2-small = 0.2\n")

    table = prices.read(region)

    assert table == {"e2-small": Decimal(price), "e2-medium": Decimal(1)}


def test_a_byte_order_mark_is_no_part_of_the_first_key(file):
    file.write_text("e2-small = 1\n", encoding="utf-8-sig")

    table = prices.read("us-east1")

    assert table == {"e2-small": Decimal(1)}


@pytest.mark.parametrize("text", SENTENCES)
def test_a_file_with_anything_else_is_one_sentence(file, text):
    content = text if isinstance(text, bytes) else text.encode()
    file.write_bytes(content)

    with pytest.raises(UsageError) as refused:
        prices.read("us-east1")

    message = str(refused.value)
    assert SENTENCES[text] in message
    assert "\n" not in message


def test_a_folder_in_the_place_of_the_file_is_one_sentence(file):
    file.mkdir()

    with pytest.raises(UsageError, match="Is a directory"):
        prices.read("us-east1")


@given(content=CONTENTS | PRICED)
def test_any_file_is_prices_or_one_sentence(tmp_path_factory, content):
    folder = tmp_path_factory.mktemp("team")
    file = folder / "prices.toml"
    file.write_bytes(content)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(prices, "team_folder", lambda: folder)
        table, message = read_or_refused()

    assert all(0 <= price <= prices.HIGHEST for price in table.values())
    assert len(message.splitlines()) <= 1
    assert len(message) < 400


def read_or_refused():
    """The prices, and the sentence of their refusal."""
    try:
        return prices.read("us-east1"), ""
    except UsageError as error:
        return {}, str(error)
