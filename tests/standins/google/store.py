"""The common ground of Google's REST APIs: named objects and their IAM policies.

`apis` serves them.
"""

import copy
import datetime
import hashlib
import itertools
import json
import re
import urllib.parse
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tests.standins.google.error import RefusedError
from tests.standins.google.unknowns import Unknowns

VERSION = re.compile(r"^((storage|bigquery)/)?(v\d+(beta\d*)?/)+")
VERB = re.compile(r"(.*):([a-zA-Z]+)")
MODEL_VERSION = re.compile(r"(/models/[^/@]+)@([^/]+)$")

Body = dict[str, Any]
# what a deployed model makes of {instances, parameters}: an HTTP status and a body
ModelAnswer = Callable[[Body], tuple[int, Body]]
Answered = Body | Callable[[], Body]  # a callable runs after the store's lock is released


class Key(NamedTuple):
    product: str
    name: str  # the path without a version: projects/P/topics/T

    @property
    def collection(self) -> str:
        """topics, of projects/P/topics/T."""
        return self.name.split("/")[-2]

    @property
    def id(self) -> str:
        """T, of projects/P/topics/T."""
        return self.name.split("/")[-1]

    @property
    def project(self) -> str:
        """P, of projects/P/topics/T."""
        return self.name.split("/")[1]

    @property
    def kind(self) -> tuple[str, str]:
        """The product and the collection: the key to the products' differences."""
        return self.product, self.collection

    def holds(self, key: "Key") -> bool:
        """Whether the key is below this one, however deep."""
        return self.product == key.product and key.name.startswith(f"{self.name}/")


@dataclass(frozen=True)
class Call:
    """One request, its path parted from product, version and verb.

    POST secrets/s:getIamPolicy has verb getIamPolicy.
    """

    method: str
    product: str
    path: str
    verb: str
    query: Mapping[str, str]
    body: Body
    values: Mapping[str, list[str]] = field(default_factory=dict)  # of the query, repeated ones too

    @classmethod
    def parse(cls, method: str, target: str, content: bytes) -> "Call":
        url = urllib.parse.urlsplit(target)
        _, product, *tail = url.path.split("/", 2)
        path = VERSION.sub("", unescaped("".join(tail)))
        verb = ""
        if match := VERB.fullmatch(path):
            path, verb = match.groups()
        path = MODEL_VERSION.sub(r"\1/versions/\2", path)
        values = urllib.parse.parse_qs(url.query)
        query = {name: first_value for name, (first_value, *_) in values.items()}
        body = json.loads(content) if content else {}
        return cls(method, product, path, verb, query, body, values)

    @property
    def key(self) -> Key:
        return Key(self.product, self.path)


@dataclass
class Store:
    main: Callable[[], str]  # the commit that the branch of every trigger is at
    project_numbers: Mapping[str, str] = field(default_factory=dict)
    slow_log_metrics: bool = False
    empty_first_pages: bool = False  # of every listing
    objects: dict[Key, Body] = field(default_factory=dict)
    policies: dict[Key, Body] = field(default_factory=dict)
    # the end of an object's name, and a permission on it that nobody has
    withheld: set[tuple[str, str]] = field(default_factory=set)
    # log metrics that alerting doesn't know yet, and since when they are there
    unready: dict[Key, float] = field(default_factory=dict)
    # by the id of a deployed model or of a model's version
    answers: dict[str, ModelAnswer] = field(default_factory=dict)
    # how many each deployed model got, by endpoint and split
    requests: dict[tuple[Key, Any], "Counter[str]"] = field(default_factory=dict)
    entries: list[Body] = field(default_factory=list)  # of logs
    unknowns: Unknowns = field(default_factory=Unknowns)
    slow_creations: bool = False  # an operation's, that end when they are next looked at
    # the resource and the ended operation, by the operation's name
    creations: dict[str, tuple[Key, Body, Body]] = field(default_factory=dict)
    asked: "Counter[Key]" = field(default_factory=Counter)  # how often each endpoint was
    log_rows: dict[Key, list[Any]] = field(default_factory=dict)  # of endpoints' requests, by table
    measured: dict[Any, float] = field(default_factory=dict)  # by the time series
    # with their times, likewise
    points: dict[Any, list[tuple[datetime.datetime, float]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    # the nodes of each project's number and region
    metadata: dict[tuple[str, str], Any] = field(default_factory=dict)
    # what was made and is to be told to a hook, once
    news: list[tuple[Key, Body]] = field(default_factory=list)
    numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1001))

    def project_number(self, project: str) -> str:
        return self.project_numbers.get(project, "123456789012")

    def get(self, key: Key) -> Body:
        if key not in self.objects:
            raise RefusedError(404, f"{key.name} was not found.")
        return self.objects[key]

    def below(self, key: Key) -> dict[Key, Body]:
        """All objects under `key`, however deep."""
        return {inner: body for inner, body in self.objects.items() if key.holds(inner)}

    def children(self, collection: Key) -> list[Body]:
        depth = collection.name.count("/") + 1
        objects = self.below(collection)
        return [body for key, body in objects.items() if key.name.count("/") == depth]

    def create(self, key: Key, body: Body) -> Body:
        if key in self.objects:
            raise RefusedError(409, f"{key.name} already exists.")
        self.objects[key] = body
        return body

    def end_creation(self, operation: str) -> Body:
        """The ended operation of a resource or a deployment that is there from now on."""
        key, resource, ended_operation = self.creations.pop(operation)
        if key in self.objects:
            self.objects[key] |= resource
        else:
            self.create(key, resource)
        return ended_operation

    def ongoing(self, key: Key) -> list[str]:
        """The operations on a resource that is there."""
        return [name for name in self.creations if name.startswith(f"{key.name}/operations/")]

    def changed(self, key: Key, fields: Body, mask: Iterable[str] = ()) -> Body:
        """Merge as RFC 7396 says (null removes).

        A field that the mask names is replaced, or removed where `fields` lacks it.
        """
        replaced_names = set(mask)
        resource = self.get(key)
        remaining = {name: resource[name] for name in resource if name not in replaced_names}
        return merged(remaining, fields)

    def change(self, key: Key, fields: Body, mask: Iterable[str] = ()) -> Body:
        self.objects[key] = self.changed(key, fields, mask)
        return self.objects[key]

    def tell(self, key: Key) -> None:
        """Have a copy of this object handed to the hook of its collection, after the answer."""
        self.news.append((key, copy.deepcopy(self.get(key))))

    def delete(self, key: Key) -> None:
        self.get(key)
        for old_key in (key, *self.below(key)):
            self.objects.pop(old_key)
            self.policies.pop(old_key, None)

    def policy(self, key: Key) -> Body:
        return self.policies.get(key, {"version": 1, "etag": "ACAB"})

    def set_policy(self, key: Key, policy: Body) -> Body:
        """Replace a policy, unless it was changed since the caller read it."""
        current_etag = self.policy(key)["etag"]
        if policy.get("etag") not in (None, "", current_etag):
            raise RefusedError(
                409,
                (
                    "There were concurrent policy changes. Please retry the whole "
                    "read-modify-write with exponential backoff."
                ),
            )
        bindings = [binding for binding in policy.get("bindings", []) if binding["members"]]
        content = json.dumps([bindings, next(self.numbers)])
        digest = hashlib.sha256(content.encode()).hexdigest()
        new_policy = {
            "version": policy.get("version", 1),
            "etag": digest[:8],
            "bindings": bindings,
        }
        self.policies[key] = new_policy
        return new_policy


class Subject(NamedTuple):
    """An object about to be made, changed or deleted, with its body or the deletion's query."""

    store: Store
    key: Key
    body: Mapping[str, Any]


def unescaped(path: str) -> str:
    """The path in plain text; a slash inside a name stays escaped, or it would part the path."""
    parts = path.rstrip("/").split("%2F")
    return "%2F".join(map(urllib.parse.unquote, parts))


def merged(old: Any, new: Any) -> Any:
    if not isinstance(new, dict):
        return new
    result = dict(old) if isinstance(old, dict) else {}
    for name, value in new.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value)
    return result


def camel_case(path: str) -> str:
    """displayName, of display_name."""
    return re.sub(r"_(.)", lambda match: match[1].upper(), path)


def now() -> str:
    instant = datetime.datetime.now(datetime.UTC)
    return instant.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
