"""A stage's project for a probe: all it makes is noted before, and removed afterwards.

An interrupt never cuts a request off, since nobody would know what became of it: the next request
or pause is not begun.
"""

import math
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from infra.doctor.finding import NotAskedError, UnreachableError
from infra.doctor.google import Google
from infra.doctor.rest import Body, Rest
from settings import Settings

PATIENCE_SECONDS = 60  # for one answer
PAUSE_SECONDS = 10  # between two looks
OPERATION_SECONDS = 40 * 60  # Vertex may take a quarter of an hour to deploy a model
TOKEN_SECONDS = 300  # then another one is asked for: a probe may take longer than one lasts
WITH_OPERATIONS = ("vertex_ai", "artifact_registry")  # what they make and delete takes a while
ATTEMPTS = 3  # to remove a thing
REFUSED, CONFLICT = 400, 409  # the first status of a refusal, and that of a name that is taken
FAILED = 500  # the first status of a failure of Google's own
# where an answer has another form than Google's documents say
FORM_ERRORS = (AttributeError, LookupError, TypeError, ValueError)


class InterruptedProbeError(Exception):
    """Somebody wants the probes to end."""


@dataclass(frozen=True)
class Thing:
    """A resource of a probe's making.

    `find` returns nothing where it is not there, and `remove` bears that.
    """

    name: str
    find: Callable[[], object]
    remove: Callable[[], object]


class Project:
    def __init__(self, settings: Settings, interrupt: threading.Event) -> None:
        self.settings, self.names = settings, settings.names
        self.location = f"projects/{settings.project_id}/locations/{settings.region}"
        self._interrupt = interrupt
        self._clearing = False
        self._things: list[Thing] = []
        self._creations: dict[Thing, tuple[str, Body]] = {}  # operations that have not ended
        self._outcomes: dict[Callable[..., Any], Any] = {}
        self._google, self._since = self._new_google()

    def ask(
        self, product: str, path: str, body: Body | None = None, *, method: str = ""
    ) -> Body | None:
        """As Google.ask, unless somebody has interrupted."""
        self._check()
        return self.google.ask(product, path, body, method=method)

    def look(self, product: str, path: str, body: Body | None = None) -> Body | None:
        """As ask, for repeated looks: an empty body if Google gives no answer."""
        try:
            return self.ask(product, path, body)
        except UnreachableError:
            return {}
        except NotAskedError as error:
            if error.status < FAILED:
                raise
            return {}

    def listing(self, product: str, path: str, field: str) -> list[Body]:
        """As Google.listing, unless somebody has interrupted."""
        self._check()
        return self.google.listing(product, path, field)

    def token(self) -> str:
        """Return an access token, unless somebody has interrupted."""
        self._check()
        return self.google.token()

    @property
    def google(self) -> Google:
        if time.monotonic() - self._since > TOKEN_SECONDS:
            self._google, self._since = self._new_google()
        return self._google

    def thing(self, kind: str, product: str, path: str) -> Thing:
        """The thing at `path`, to be found and deleted there."""
        return Thing(
            f"{kind} {path}",
            find=lambda: self.ask(product, path),
            remove=lambda: self.delete(product, path),
        )

    def make(
        self, thing: Thing, product: str, path: str, body: Body, *, method: str = "POST"
    ) -> Body:
        """Make a thing and wait for it, or raise NotAskedError.

        Another one of that name is left alone: what Google refuses to make is not ours, and what a
        lost answer was about is ours only if it was not there before.
        """
        self.note(thing)
        try:
            answer = self.google.ask(product, path, body, method=method)
        except NotAskedError as error:
            if REFUSED <= error.status < FAILED:
                self._things.remove(thing)
            if error.status == CONFLICT:
                raise _is_there(thing) from None
            raise
        if answer is None:
            raise NotAskedError(f"there is no place for {thing.name}: {path} is not found")
        if product in WITH_OPERATIONS:
            self._creations[thing] = product, answer
            self.finish(product, answer)
            del self._creations[thing]
        return answer

    def note(self, thing: Thing) -> None:
        """Note a future thing for removal; raise NotAskedError if it exists already."""
        if thing.find():
            raise _is_there(thing)
        self._check()
        self._things.append(thing)

    def delete(self, product: str, path: str) -> None:
        operation = self.ask(product, path, method="DELETE") or {}
        if product in WITH_OPERATIONS:
            self.finish(product, operation)

    def finish(self, product: str, operation: Body) -> None:
        """Wait for an operation's end; one without a name has ended."""
        name = operation.get("name", "")
        deadline = time.monotonic() + OPERATION_SECONDS
        while name and not operation.get("done"):
            if time.monotonic() > deadline:
                minutes = OPERATION_SECONDS // 60
                raise NotAskedError(f"{name} did not end within {minutes} minutes")
            self.pause()
            answer = self.look(product, name)
            operation = {"done": True} if answer is None else answer
        if error := operation.get("error"):
            raise NotAskedError(f"{name} failed: {error.get('message')}")

    def await_end(self, product: str, operation: Body) -> None:
        """Wait for an operation's end, successful or not."""
        with suppress(NotAskedError):
            self.finish(product, operation)

    def pause(self) -> None:
        if self._clearing:
            time.sleep(PAUSE_SECONDS)
            return
        self._interrupt.wait(PAUSE_SECONDS)
        self._check()

    def once(self, observe: Callable[["Project"], Any]) -> Any:
        """Return or raise the outcome of `observe`'s first call: several probes share it."""
        if observe not in self._outcomes:
            try:
                self._outcomes[observe] = observe(self)
            except (NotAskedError, *FORM_ERRORS) as error:
                self._outcomes[observe] = error
        outcome = self._outcomes[observe]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def clear(self) -> list[str]:
        """Remove all noted things, the newest first; return a sentence on each leftover."""
        self._clearing = True
        reasons = []
        while self._things:
            thing = self._things[-1]
            reason = self._reason_to_stay(thing)
            self._things.pop()
            if reason:
                reasons.append(f"{thing.name} may still be there: {reason}")
        self._clearing = False
        return reasons

    def _reason_to_stay(self, thing: Thing) -> str:
        """Remove a thing once its creation has ended, or return the reason for a failure."""
        reason = ""
        if creation := self._creations.pop(thing, None):
            self.await_end(*creation)
        for attempt in range(ATTEMPTS):
            if attempt:
                time.sleep(PAUSE_SECONDS)
                self._google, self._since = self._new_google()
            try:
                thing.remove()
            except NotAskedError as error:
                reason = error.sentence
            except FORM_ERRORS as error:
                reason = f"an answer has another form ({error!r})"
            else:
                return ""
        return reason

    def _check(self) -> None:
        if self._interrupt.is_set() and not self._clearing:
            raise InterruptedProbeError

    def _new_google(self) -> tuple[Google, float]:
        rest = Rest(deadline_seconds=math.inf, patience_seconds=PATIENCE_SECONDS, persistent=True)
        return Google(rest, region=self.settings.region), time.monotonic()


def _is_there(thing: Thing) -> NotAskedError:
    return NotAskedError(f"{thing.name} is there: another probe runs, or has left it to be deleted")
