"""A key that comes twice is refused, however the body is laid out."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.serving import contract
from pipeline.serving.contract import RequestError

SPACE = st.text(" \t\n\r", max_size=3)
KEYS = st.text(max_size=5).map(json.dumps)


@given(key=KEYS, spaces=st.tuples(SPACE, SPACE))
def test_a_repeated_key_is_seen_behind_any_space(key, spaces):
    first, second = spaces
    body = f'{{"instances": [{{{key}{first}: 1, {key}{second}: 2}}]}}'

    with pytest.raises(RequestError, match=r"instance 0 holds the feature .* twice"):
        contract.parse(body.encode())


@given(texts=st.dictionaries(st.text(), st.text()))
def test_no_text_looks_like_a_repeated_key(texts):
    body = json.dumps({"instances": [texts]})

    question = contract.parse(body.encode())

    assert question.instances == [texts]
