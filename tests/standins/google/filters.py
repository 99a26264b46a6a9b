"""Filters of Google's listings after https://google.aip.dev/160, as far as Vertex documents them.

`FIELD OP VALUE` and `in_context("NAME")`, joined by AND and OR, in parentheses; OR binds before
AND. What the stand-in does not know is refused: a filter that was ignored would answer too much.
cloud.google.com/vertex-ai/docs/ml-metadata/analyzing
"""

import json
import operator
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any

from tests.standins.google.error import RefusedError
from tests.standins.google.store import Body

DEPTH = 5  # of nested expressions, at most
TOKEN = re.compile(
    r'\s*(?:(?P<string>"(?:[^"\\]|\\.)*")|(?P<sign>[()]|<=|>=|!=|[=<>:])'
    r"|(?P<number>-?\d+(?:\.\d+)?(?![\w.]))|(?P<word>[\w.\-]+))"
)
OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
}
REPEATED = ("parent_contexts",)
TIMES = ("create_time", "update_time", "end_time")
KINDS = {"string_value": str, "number_value": (int, float), "bool_value": bool}

Condition = Callable[[Body], bool]


@dataclass
class Filter:
    """What a listing may be filtered by.

    `fields` are the names beside metadata's; `contexts` says whether a resource is in a context.
    """

    fields: tuple[str, ...]
    contexts: Callable[[Body, str], bool] | None = None
    has_metadata: bool = False
    _tokens: list[tuple[str, str]] = field(default_factory=list)

    def condition(self, text: str) -> Condition:
        """The filter as a predicate of a resource in the API's JSON; an empty one lets all pass."""
        if not text.strip():
            return lambda _: True
        self._tokens = _tokens(text)
        condition = self._all(1)
        if self._tokens:
            raise _refusal(f"unexpected {self._tokens[0][1]}")
        return condition

    def _all(self, depth: int) -> Condition:
        conditions = [self._any(depth)]
        while self._take_word("AND"):
            conditions.append(self._any(depth))
        return lambda body: all(condition(body) for condition in conditions)

    def _any(self, depth: int) -> Condition:
        conditions = [self._one(depth)]
        while self._take_word("OR"):
            conditions.append(self._one(depth))
        return lambda body: any(condition(body) for condition in conditions)

    def _one(self, depth: int) -> Condition:
        if depth > DEPTH:
            raise _refusal(f"expressions may be nested {DEPTH} deep")
        if self._take_sign("("):
            condition = self._all(depth + 1)
            self._expect(")")
            return condition
        kind, name = self._next()
        if kind != "word":
            raise _refusal(f"unexpected {name}")
        if name == "in_context":
            return self._in_context()
        return self._comparison(self._path(name))

    def _in_context(self) -> Condition:
        is_in = self.contexts
        if is_in is None:
            raise _refusal("in_context is not supported here")
        self._expect("(")
        _, text = self._next()
        self._expect(")")
        context = json.loads(text)
        return lambda body: is_in(body, context)

    def _path(self, word: str) -> list[str]:
        """The parts of metadata."custom:x".string_value, or of schema_title."""
        path = [part for part in word.split(".") if part]
        if word.endswith(".") and self._tokens:
            _, quoted = self._next()
            path.append(json.loads(quoted))
            _, rest = self._next()
            path += [part for part in rest.split(".") if part]
        is_metadata = self.has_metadata and path[0] == "metadata"
        if is_metadata and (len(path) != 3 or path[2] not in KINDS):
            raise _refusal(f"{'.'.join(path)}: metadata.FIELD.{{{'|'.join(KINDS)}}}")
        if not is_metadata and path[0] not in self.fields:
            raise _refusal(f"{path[0]} is not a field to filter by")
        return path

    def _comparison(self, path: list[str]) -> Condition:
        _, sign = self._next()
        if path[0] in REPEATED:
            return self._has(path[0], sign)
        if sign not in OPERATORS:
            raise _refusal(f"unexpected {sign} after {'.'.join(path)}")
        value = _value(*self._next())
        if path[0] in TIMES:
            value = _time(value)
        compare = OPERATORS[sign]

        def holds(body: Body) -> bool:
            actual = _actual(path, body)
            if actual is None:
                return False
            if isinstance(value, str) and "*" in value and sign in ("=", "!="):
                return fnmatchcase(actual, value) == (sign == "=")
            return compare(actual, value)

        return holds

    def _has(self, name: str, sign: str) -> Condition:
        """Whether a repeated field has a value: parent_contexts:"NAME"."""
        if sign != ":":
            raise _refusal(f"{name} takes the operator :, not {sign}")
        value = _value(*self._next())
        return lambda body: value in _actual([name], body)

    def _next(self) -> tuple[str, str]:
        if not self._tokens:
            raise _refusal("it ends too early")
        return self._tokens.pop(0)

    def _take_word(self, word: str) -> bool:
        return self._take("word", word)

    def _take_sign(self, sign: str) -> bool:
        return self._take("sign", sign)

    def _take(self, kind: str, text: str) -> bool:
        is_next = bool(self._tokens) and self._tokens[0] == (kind, text)
        if is_next:
            self._tokens.pop(0)
        return is_next

    def _expect(self, sign: str) -> None:
        if not self._take_sign(sign):
            raise _refusal(f"{sign} is missing")


def _tokens(text: str) -> list[tuple[str, str]]:
    tokens, position = [], 0
    while text[position:].strip():
        match = TOKEN.match(text, position)
        if match is None:
            raise _refusal(f"unexpected {text[position:].strip()[:20]}")
        tokens.append((f"{match.lastgroup}", match[f"{match.lastgroup}"]))
        position = match.end()
    return tokens


def _value(kind: str, text: str) -> Any:
    if kind == "string":
        return json.loads(text)
    if kind == "number":
        return float(text)
    if text in ("true", "false"):
        return text == "true"
    raise _refusal(f"{text} is no value: strings stand in quotes")


def _time(value: Any) -> datetime:
    try:
        time = datetime.fromisoformat(value)
        assert time.tzinfo is not None
    except (AssertionError, TypeError, ValueError) as error:
        raise _refusal(f"{value} is no time of RFC 3339") from error
    return time


def _actual(path: list[str], body: Body) -> Any:
    """The resource's value; None where it has none of that kind."""
    name, *inner = path
    if name == "metadata":
        value = body.get("metadata", {}).get(inner[0])
        is_bool = isinstance(value, bool)
        fits = isinstance(value, KINDS[inner[1]]) and is_bool == (inner[1] == "bool_value")  # type: ignore[arg-type]
        return value if fits else None
    if name == "labels":
        return body.get("labels", {}).get(".".join(inner))
    if name == "pipeline_name":
        return body["pipelineSpec"]["pipelineInfo"]["name"]
    camel = re.sub(r"_(.)", lambda match: match[1].upper(), name)
    value = body.get(camel, [] if name in REPEATED else None)
    return _time(value) if name in TIMES and value else value


def _refusal(problem: str) -> RefusedError:
    return RefusedError(400, f"Invalid filter: {problem}", "INVALID_ARGUMENT")
