"""Values that training never had, and old ones in another spelling."""

import pytest

from tests.pipeline.monitoring.faulty import findings, names, replaced, respelt


def underlined(text):
    return text.replace(" ", "_")


def abbreviated(text):
    return text[:2].upper()


def coded(text):
    return f"code {text}"


def padded(text):
    return f"{text} "


@pytest.mark.parametrize("spell", [str.lower, str.upper, padded, underlined])
def test_another_spelling_of_a_payment_is_one_fault(taxi, taxi_baseline, spell):
    change = respelt("payment_type", spell, "Credit Card")

    named = names(taxi, taxi_baseline, change)

    assert named == {"spelling payment_type"}


@pytest.mark.parametrize("column", ["dest", "carrier", "origin"])
def test_small_letters_of_all_values_are_one_fault(flights, flights_baseline, column):
    change = respelt(column, str.lower)

    named = names(flights, flights_baseline, change)

    assert named == {f"spelling {column}"}


def test_another_spelling_is_told_with_the_old_one(taxi, taxi_baseline):
    change = respelt("payment_type", str.lower, "Credit Card")

    [finding] = findings(taxi, taxi_baseline, change)

    assert "'credit card' for 'Credit Card'" in finding.sentence


def test_an_unknown_payment_is_named(taxi, taxi_baseline):
    change = replaced("payment_type", "Bitcoin", 0.03)

    named = names(taxi, taxi_baseline, change)

    assert named == {"new value payment_type"}


@pytest.mark.parametrize(("column", "value"), [("origin", "SWF"), ("dest", "ZZZ")])
def test_an_unknown_airport_is_named(flights, flights_baseline, column, value):
    change = replaced(column, value, 0.03)

    named = names(flights, flights_baseline, change)

    assert named == {f"new value {column}"}


def test_an_unknown_value_is_told_with_its_share(flights, flights_baseline):
    change = replaced("origin", "SWF", 0.1)

    [finding] = findings(flights, flights_baseline, change)

    assert "'SWF' (9." in finding.sentence or "'SWF' (10" in finding.sentence


def test_an_old_value_that_a_new_one_replaces_is_told(taxi, taxi_baseline):
    change = respelt("payment_type", abbreviated, "Cash")

    [finding] = findings(taxi, taxi_baseline, change)

    assert "'Cash' has lost 66" in finding.sentence


def test_an_unknown_value_of_a_personal_column_is_not_told(taxi, taxi_baseline):
    change = replaced("company", "Ada Lovelace's Taxi", 0.2)

    assert "Lovelace" not in str(findings(taxi, taxi_baseline, change))


def test_codes_in_two_columns_are_not_exchanged(flights, flights_baseline):
    def change(rows):
        codes = respelt("origin", coded)(rows)
        return respelt("carrier", coded)(codes)

    named = names(flights, flights_baseline, change)

    assert named == {"new value carrier; new value origin"}
