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
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tests.standins.google.error import RefusedError

Body = dict[str, Any]
ModelAnswer = Callable[
    [Body], tuple[int, Body]
]  # what a deployed model makes of {instances, parameters}: an HTTP status and a body
Answered = Body | Callable[[], Body]  # what is called is called once the store is free again


class Key(NamedTuple):
    product: str
    name: str  # the path without a version: projects/P/topics/T

    @property
    def collection(self) -> str:
        """topics, of projects/P/topics/T."""
        return self.name.split("/")[-2]

    @property
    def parent(self) -> "Key":
        """The project, of projects/P/topics/T."""
        return Key(self.product, self.name.rsplit("/", 2)[0])


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

    @classmethod
    def parse(cls, method: str, target: str, content: bytes) -> "Call":
        url = urllib.parse.urlsplit(target)
        _, product, *tail = url.path.split("/", 2)
        # a slash inside a name stays escaped, or it would part the path
        path = "%2F".join(
            urllib.parse.unquote(part) for part in "".join(tail).rstrip("/").split("%2F")
        )
        path = re.sub(r"^((storage|bigquery)/)?(v\d+(beta\d*)?/)+", "", path)
        path, verb = (
            match.groups() if (match := re.fullmatch(r"(.*):([a-zA-Z]+)", path)) else (path, "")
        )
        path = re.sub(r"(/models/[^/@]+)@([^/]+)$", r"\1/versions/\2", path)
        query = {name: values[0] for name, values in urllib.parse.parse_qs(url.query).items()}
        return cls(method, product, path, verb, query, json.loads(content) if content else {})

    @property
    def key(self) -> Key:
        return Key(self.product, self.path)


@dataclass
class Store:
    main: Callable[[], str]  # the commit that the branch of every trigger is at
    project_numbers: Mapping[str, str] = field(default_factory=dict)
    slow_log_metrics: bool = False
    objects: dict[Key, Body] = field(default_factory=dict)
    policies: dict[Key, Body] = field(default_factory=dict)
    unready: dict[Key, float] = field(
        default_factory=dict
    )  # log metrics that alerting doesn't know yet, and since when they are there
    answers: dict[str, ModelAnswer] = field(
        default_factory=dict
    )  # by the id of a deployed model or of a model's version
    asked: dict[tuple[Key, Any], "Counter[str]"] = field(
        default_factory=dict
    )  # how often each deployed model was, by endpoint and split
    entries: list[Body] = field(default_factory=list)  # of logs
    measured: dict[Any, float] = field(default_factory=dict)  # by the time series
    news: list[tuple[Key, Body]] = field(
        default_factory=list
    )  # what was made and is to be told to a hook, once
    numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1001))

    def project_number(self, project: str) -> str:
        return self.project_numbers.get(project, "123456789012")

    def get(self, key: Key) -> Body:
        if key not in self.objects:
            raise RefusedError(404, f"{key.name} was not found.")
        return self.objects[key]

    def below(self, key: Key) -> dict[Key, Body]:
        """All objects under `key`, however deep."""
        return {
            k: body
            for k, body in self.objects.items()
            if k.product == key.product and k.name.startswith(f"{key.name}/")
        }

    def children(self, collection: Key) -> list[Body]:
        return [
            body
            for key, body in self.below(collection).items()
            if key.name.count("/") == collection.name.count("/") + 1
        ]

    def listing(self, collection: Key) -> Body:
        """A page of a collection, under both of its names in Google's APIs."""
        children = self.children(collection)
        return {collection.name.rsplit("/", 1)[-1]: children, "items": children}

    def create(self, key: Key, body: Body) -> Body:
        if key in self.objects:
            raise RefusedError(409, f"{key.name} already exists.")
        self.objects[key] = body
        return body

    def changed(self, key: Key, fields: Body, mask: Iterable[str] = ()) -> Body:
        """Merge as RFC 7396 says (null removes).

        A field that the mask names is replaced, or removed where `fields` lacks it.
        """
        return merged(
            {name: value for name, value in self.get(key).items() if name not in set(mask)}, fields
        )

    def change(self, key: Key, fields: Body, mask: Iterable[str] = ()) -> Body:
        self.objects[key] = self.changed(key, fields, mask)
        return self.objects[key]

    def tell(self, key: Key) -> None:
        """Have a copy of this object handed to the hook of its collection, after the answer."""
        self.news.append((key, copy.deepcopy(self.get(key))))

    def delete(self, key: Key) -> None:
        self.get(key)
        for doomed in (key, *self.below(key)):
            self.objects.pop(doomed)
            self.policies.pop(doomed, None)

    def policy(self, key: Key) -> Body:
        return self.policies.get(key, {"version": 1, "etag": "ACAB"})

    def set_policy(self, key: Key, policy: Body) -> Body:
        """Replace a policy, unless it was changed since the caller read it."""
        if policy.get("etag") not in (None, "", self.policy(key)["etag"]):
            raise RefusedError(
                409,
                (
                    "There were concurrent policy changes. Please retry the whole "
                    "read-modify-write with exponential backoff."
                ),
            )
        bindings = [binding for binding in policy.get("bindings", []) if binding["members"]]
        etag = hashlib.sha256(json.dumps([bindings, next(self.numbers)]).encode()).hexdigest()[:8]
        self.policies[key] = {
            "version": policy.get("version", 1),
            "etag": etag,
            "bindings": bindings,
        }
        return self.policies[key]


class Subject(NamedTuple):
    """An object about to be made, changed or deleted.

    It comes with what was sent for it, or with the query of its deletion.
    """

    store: Store
    key: Key
    body: Mapping[str, Any]


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


def now() -> str:
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
