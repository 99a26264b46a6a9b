import math

import pytest

from pipeline.cards import content


@pytest.mark.parametrize("value", [None, math.nan])
def test_a_card_without_a_number_is_read_as_it_was_written(make_card, summary, value):
    summary["metrics"] |= {"auc": value, "example_count": value}
    summary["intervals"]["all"]["auc"] = [value, value]
    card = make_card()

    text = content.encode(card)

    assert content.decode(text, "card.json") == card
    assert "NaN" not in text
