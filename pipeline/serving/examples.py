"""Instances as serialized tf.Examples, of features with at most one value each.

A feature's bytes are written by protobuf's wire format
(protobuf.dev/programming-guides/encoding), which takes a sixth of the time of a tf.train.Example.
"""

from collections.abc import Callable, Iterator
from struct import Struct
from typing import Any

from pipeline.serving.numbers import INT64, LARGEST_FLOAT
from pipeline.serving.row_key import MAXIMUM_CHARACTERS, ROW_KEY, is_row_key

SMALLEST_INT64, LARGEST_INT64 = INT64[0], INT64[-1]
UINT64 = 2**64 - 1
EXPECTATIONS = {
    "INT": "a whole number of 64 bits",
    "FLOAT": "a finite number",
    "BYTES": "a string",
}
# The tag of a field with a length is its number in tf.Example's definition * 8 + 2
# (tensorflow/core/example/example.proto and feature.proto).
FIRST, SECOND, THIRD = b"\x0a", b"\x12", b"\x1a"
LISTS = {"BYTES": FIRST, "FLOAT": SECOND, "INT": THIRD}
KEPT_ENTRIES = 4096  # of one feature: a month or a company comes again and again
KEPT_CHARACTERS = 64

Write = Callable[[Any], bytes | None]  # a feature's entry by its value; None if it is not allowed


class InstanceError(ValueError):
    """The model does not take an instance; the sentence names its place and the feature."""


class Encoder:
    """Writes instances by their features' types: INT, FLOAT or BYTES by name."""

    def __init__(self, types: dict[str, str]) -> None:
        self._types = types
        self._writers = {name: WRITERS[kind](_Heads(name, kind)) for name, kind in types.items()}

    def record(self, place: int, instance: Any) -> bytes:
        """The tf.Example of an instance; raises InstanceError with the instance's place."""
        if not isinstance(instance, dict):
            raise InstanceError(
                f"instance {place} is {shown(instance)}, allowed is an object of features"
            )
        entries = []
        for name, value in instance.items():
            write = self._writers.get(name)
            if write is None:
                self._check_other(place, name, value)
                continue
            if value is None:
                continue
            entry = write(value)
            if entry is None:
                raise self._refusal(place, name, value)
            entries.append(entry)
        return _message(FIRST, b"".join(entries))

    def _check_other(self, place: int, name: str, value: Any) -> None:
        """Allow a row key alone; the model does not see it."""
        if name != ROW_KEY:
            names = ", ".join(self._types)
            raise InstanceError(
                f"instance {place}: the feature {shown(name)} is unknown, allowed are {names}"
            )
        if not is_row_key(value):
            raise InstanceError(
                f"instance {place}: {ROW_KEY} is {shown(value)}, "
                f"allowed is a string of 1 to {MAXIMUM_CHARACTERS} characters"
            )

    def _refusal(self, place: int, name: str, value: Any) -> InstanceError:
        kind = self._types[name]
        return InstanceError(
            f"instance {place}: the feature {name} is {shown(value)}, "
            f"allowed is {EXPECTATIONS[kind]} or null"
        )


class _Heads:
    """The bytes before a feature's content, by the content's size."""

    def __init__(self, name: str, kind: str) -> None:
        self._key = _message(FIRST, name.encode())
        self._list = LISTS[kind]

    def head(self, size: int) -> bytes:
        """Features.feature {key, value {one of the lists {value {size}}}}."""
        values = FIRST + _varint(size)
        content = self._list + _varint(len(values) + size) + values
        feature = SECOND + _varint(len(content) + size) + content
        entry = self._key + feature
        return FIRST + _varint(len(entry) + size) + entry

    def entry(self, content: bytes) -> bytes:
        size = len(content)
        return self.head(size) + content


def _message(tag: bytes, content: bytes) -> bytes:
    size = len(content)
    return tag + _varint(size) + content


def _varint(number: int) -> bytes:
    """Seven bits a byte, the lowest first; the eighth announces another byte."""
    if number < len(SHORT_VARINTS):
        return SHORT_VARINTS[number]
    return bytes(_varint_bytes(number))


def _varint_bytes(number: int) -> Iterator[int]:
    while number > 127:
        yield number & 127 | 128
        number >>= 7
    yield number


SHORT_VARINTS = [bytes(_varint_bytes(number)) for number in range(2048)]


class _Ints(dict[int, bytes]):
    """The entries of a feature by its number, as far as they are kept."""

    def __init__(self, heads: _Heads) -> None:
        self._heads = heads

    def __missing__(self, number: int) -> bytes:
        content = _varint(number & UINT64)
        entry = self._heads.entry(content)
        if len(self) < KEPT_ENTRIES:
            self[number] = entry
        return entry


class _Texts(dict[str, bytes]):
    """The entries of a feature by its text, as far as they are kept."""

    def __init__(self, heads: _Heads) -> None:
        self._heads = heads

    def __missing__(self, text: str) -> bytes:
        content = text.encode("utf-8", "replace")
        entry = self._heads.entry(content)
        if len(self) < KEPT_ENTRIES and len(text) <= KEPT_CHARACTERS:
            self[text] = entry
        return entry


def _int64_writer(heads: _Heads) -> Write:
    entries = _Ints(heads)

    def write(value: Any) -> bytes | None:
        kind = type(value)
        if kind is float and value.is_integer():
            value = int(value)
        elif kind is not int:  # True would be 1
            return None
        if SMALLEST_INT64 <= value <= LARGEST_INT64:
            return entries[value]
        return None

    return write


def _float32_writer(heads: _Heads) -> Write:
    head = heads.head(4)
    pack = Struct(f"<{len(head)}sf").pack

    def write(value: Any) -> bytes | None:
        kind = type(value)
        if kind is not float and kind is not int:
            return None
        if -LARGEST_FLOAT <= value <= LARGEST_FLOAT:  # NaN is not
            return pack(head, value)
        return None

    return write


def _text_writer(heads: _Heads) -> Write:
    entries = _Texts(heads)

    def write(value: Any) -> bytes | None:
        if type(value) is str:
            return entries[value]
        return None

    return write


WRITERS = {"INT": _int64_writer, "FLOAT": _float32_writer, "BYTES": _text_writer}


def shown(value: Any) -> str:
    text = repr(value)
    if len(text) <= 80:
        return text
    return f"{text[:77]}..."
