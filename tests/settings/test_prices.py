"""prices.toml: the team's own prices, checked before anything is planned."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.errors import UsageError
from infra.review import prices


@pytest.fixture
def team(tmp_path, monkeypatch):
    """The folder of the team's files."""
    monkeypatch.setattr(prices, "team_folder", lambda: tmp_path)
    return tmp_path


def test_without_a_file_there_are_no_prices(team):
    assert prices.read() is None


def test_prices_are_read_as_they_are_written(team):
    file = team / "prices.toml"
    file.write_text('n1-standard-4 = 0.1\n"e2-custom-2-4096" = 1\n')

    table = prices.read()

    assert table == {"n1-standard-4": Decimal("0.1"), "e2-custom-2-4096": Decimal(1)}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("n1-standard-4 = ", "prices.toml: not TOML that can be read: Invalid value"),
        ("n1-standard-4 = 1\nn1-standard-4 = 2", "prices.toml: not TOML that can be read: Cannot"),
        (b"\xff", "prices.toml: not TOML that can be read: 'utf-8' codec"),
        ("n1-standard-4 = -0.1", "n1-standard-4 is -0.1, allowed is a price per hour of 0 or more"),
        ("n1-standard-4 = nan", "n1-standard-4 is NaN, allowed is a price"),
        ("n1-standard-4 = inf", "n1-standard-4 is Infinity, allowed is a price"),
        ("n1-standard-4 = true", "n1-standard-4 is True, allowed is a price"),
        ('n1-standard-4 = "0.1"', "n1-standard-4 is '0.1', allowed is a price"),
        ("[n1-standard-4]\neur = 1", "n1-standard-4 is {'eur': 1}, allowed is a price"),
        ("eur = 1", "the key 'eur' is no machine type, allowed are those of Compute Engine"),
        ("eur = 1\ne2-small = -1", "the key 'eur' is no machine type, .*; e2-small is -1, allowed"),
    ],
)
def test_a_file_with_anything_else_is_one_sentence(team, text, sentence):
    file = team / "prices.toml"
    content = text if isinstance(text, bytes) else text.encode()
    file.write_bytes(content)

    with pytest.raises(UsageError, match=sentence) as refused:
        prices.read()

    message = str(refused.value)
    assert "\n" not in message


@given(content=st.binary() | st.text().map(str.encode))
def test_any_file_is_prices_or_one_sentence(tmp_path_factory, content):
    folder = tmp_path_factory.mktemp("team")
    file = folder / "prices.toml"
    file.write_bytes(content)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(prices, "team_folder", lambda: folder)
        answer = read_or_refused()

    assert answer == {} or isinstance(answer, str)
    assert isinstance(answer, dict) or len(answer.splitlines()) == 1


def read_or_refused():
    """The prices, or the sentence of their refusal."""
    try:
        return prices.read()
    except UsageError as error:
        return str(error)
