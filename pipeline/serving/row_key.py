"""The one reserved field of an instance: its caller's key for the row, or a smoke test's mark.

The server and `predict` accept it, the request log keeps it, and no model sees it.
"""

ROW_KEY = "_key"
SMOKE = "esteira:smoke"  # an instance with this key is nobody's question
MAXIMUM_CHARACTERS = 256


def is_row_key(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= MAXIMUM_CHARACTERS
