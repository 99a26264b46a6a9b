"""An answer of a lineage as lines for a terminal."""

from collections.abc import Iterator
from datetime import UTC, datetime

from pipeline.lineage.answer import Backward, Forward, Hop, Origin, Touched, Verdict
from pipeline.lineage.graph import Serving
from pipeline.provenance.facts import Code
from settings.values import printable

SHOWN = 12  # characters of a digest
WIDTH = 12  # of the first column


def of_backward(answer: Backward) -> str:
    lines: list[str] = []
    for origin in answer.origins:
        lines += [_title(origin, answer.at), *_origin(origin), ""]
    return _joined([*lines[:-1], *_remarks(answer)])


def of_forward(answer: Forward) -> str:
    lines = [f"{answer.asked}: {_count(len(answer.models), 'model')} made from it"]
    for touched in answer.models:
        lines += _touched(touched)
    if answer.judged:
        lines.append("only judged against it, made from none of it:")
    for judged in answer.judged:
        lines.append(f"  {judged.model} {short(judged.digest)} of {judged.run}, by {judged.by}")
    if answer.commands:
        lines.append("to take the traffic away (nothing was run):")
    lines += [f"  {command}" for command in answer.commands]
    return _joined([*lines, *_remarks(answer)])


def short(digest: str | None) -> str:
    return digest[:SHOWN] if digest else "without a digest"


def moment(time: datetime) -> str:
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def span(serving: Serving) -> str:
    end = moment(serving.end) if serving.end else "now"
    where = serving.stage or "here"
    return f"{where} {serving.share} % from {moment(serving.begin)} to {end}"


def rows(origin: Origin) -> str:
    data = origin.data
    digest = data.get("digest") or data.get("sha256")
    count = data.get("rows")
    text = f"{count:,} rows, {short(digest)}" if count is not None else short(digest)
    window = data.get("window") or {}
    first, last = window.get("first"), window.get("last")
    return f"{text}, of {first} to {last}" if first and last else text


def commit(origin: Origin) -> str:
    if origin.code is None:
        return "not known any more"
    if origin.code.reason:
        return f"unknown: {origin.code.reason}"
    text = origin.code.commit[:SHOWN]
    if origin.author:
        text += f" by {origin.author}"
    return text + _changes(origin.code)


def _changes(code: Code) -> str:
    """What differed from the commit, as far as it is known and kept."""
    if code.changed_files is None:
        return ", and nobody knows which files differed"
    names = [*code.changed_files, *(code.untracked_files or [])]
    kept = code.kept or "kept nowhere"
    text = f", with {_count(len(names), 'changed file')} ({kept})" if names else ""
    return f"{text}, not all that trained is kept" if code.not_kept else text


def environment(origin: Origin) -> str:
    if origin.environment is None:
        return "not known any more"
    pipfile = origin.environment.pipfile_lock_sha256[:SHOWN]
    image = origin.environment.image or "no image, on a machine"
    return f"{image}; Python {origin.environment.python}, Pipfile {pipfile}"


def verdict(word: Verdict) -> str:
    says = {True: "blessed", False: "refused", None: "measured"}[word.blessed]
    against = f", against {short(word.against)} of {word.against_run}" if word.against else ""
    return f"{word.node} {says} it{against}"


def measured(origin: Origin) -> list[str]:
    """A line for each metric."""
    lines = [f"{name} {_figure(value)}" for name, value in origin.metrics.items()]
    return lines or ["no metric is known any more"]


def _figure(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, int | float) else "no number"


def _title(origin: Origin, at: datetime | None) -> str:
    version = f" version {origin.version}" if origin.version else ""
    answered = f", which answered at {moment(at)}" if at else ""
    return f"{origin.model}{version}, {short(origin.digest)}{answered}"


def _origin(origin: Origin) -> Iterator[str]:
    for serving in origin.servings:
        yield _line("served", span(serving))
    if origin.promoted_from:
        yield _line("promoted", f"from {origin.promoted_from}")
    pushers = sorted({serving.by for serving in origin.servings if serving.by})
    if pushers:
        yield _line("pushed", f"by {', '.join(pushers)}")
    for word in origin.verdicts:
        yield _line("judged", verdict(word))
    yield _line("measured", ", ".join(measured(origin)))
    for step in origin.hops:
        yield _line("made by", _hop(step))
    yield _line("rows", rows(origin))
    yield _line("commit", commit(origin))
    yield _line("image", environment(origin))
    settings = ", ".join(f"{key} {value}" for key, value in origin.hyperparameters.items())
    yield _line("parameters", settings or "not known any more")


def _hop(step: Hop) -> str:
    sources = ", ".join(sorted(step.inputs)) or "nothing before it"
    return f"{step.node} of {step.run} from {sources}"


def _touched(touched: Touched) -> Iterator[str]:
    commit_text = f", commit {touched.commit[:SHOWN]}" if touched.commit else ""
    yield f"  {touched.model} {short(touched.digest)}, trained by {touched.run}{commit_text}"
    for serving in touched.servings:
        yield f"    version {serving.version}: {span(serving)}"
    if not touched.servings:
        yield "    never served"


def _remarks(answer: Backward | Forward) -> Iterator[str]:
    for unread in answer.unread:
        yield f"not read: {unread.stage}: {unread.reason}"
    for note in answer.notes:
        yield f"note: {note}"


def _joined(lines: list[str]) -> str:
    """A name in a line may hold any character, and none may move a terminal's cursor."""
    return "\n".join(map(printable, lines))


def _line(name: str, text: str) -> str:
    return f"  {name:<{WIDTH}}{text}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
