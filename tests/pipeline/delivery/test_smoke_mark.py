"""A smoke test's requests carry a mark, by which a request log can leave them out."""

from pipeline.delivery import releases
from pipeline.serving.row_key import ROW_KEY, SMOKE, is_row_key


def test_the_smoke_tests_instance_is_the_sample_with_the_mark():
    question = releases.question("cab")

    key = question.instance[ROW_KEY]
    assert key == SMOKE
    assert is_row_key(key)
    assert len(question.instance) > 1
