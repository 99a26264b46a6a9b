"""An answer of a lineage as a picture.

It is read from left to right: what something was made from, by which steps, and where it serves.
"""

from collections.abc import Iterable
from operator import itemgetter

from pipeline.lineage import text
from pipeline.lineage.answer import Backward, Forward, Hop, Origin, Touched
from pipeline.lineage.drawing import Box, Column, Drawing
from pipeline.lineage.graph import Artifact, Serving

Places = list[int]  # of steps in their list


def of_backward(answer: Backward) -> str:
    depths = [depth for origin in answer.origins for depth in _depths(origin.hops)]
    deepest = max(depths, default=0)
    columns = [Column("What it is made from"), Column("Read by")]
    columns += [Column("Worked on by") for _ in range(deepest)]
    columns += [Column("The model and its judges"), Column("Where it answers")]
    drawing = Drawing(
        f"Where {answer.asked} came from",
        "An arrow leads from what was read to what was made of it.",
        columns,
    )
    for origin in answer.origins:
        _add_origin(drawing, origin)
    return drawing.svg()


def of_forward(answer: Forward) -> str:
    question = Box("Asked for", [answer.asked], "bad")
    begin = Column("From here", [question])
    models = Column("Models")
    places = Column("Where they answer")
    drawing = Drawing(
        f"Where {answer.asked} went",
        "Solid: made from it. Dashed: only judged against it, made from none of it.",
        [begin, models, places],
    )
    for touched in answer.models:
        _add_touched(drawing, question, touched)
    for judged in answer.judged:
        digest = text.short(judged.digest)
        lines = [digest, f"of {judged.run}", f"by {judged.by}"]
        box = Box(f"{judged.model}, only judged against it", lines, "apart")
        models.boxes.append(box)
    return drawing.svg()


def _add_origin(drawing: Drawing, origin: Origin) -> None:
    sources, *steps, models, places = drawing.columns
    commit = text.commit(origin)
    environment = text.environment(origin)
    hyperparameters = origin.hyperparameters.items()
    rows = Box("Rows", [text.rows(origin)])
    sources.boxes += [
        rows,
        Box("Commit", [commit]),
        Box("Image and lock", [environment]),
        Box("Hyperparameters", [f"{name} {value}" for name, value in hyperparameters]),
    ]
    model = _model(origin)
    models.boxes.append(model)
    answers = [_served(serving) for serving in origin.servings]
    places.boxes += answers or [Box("Never served", [])]
    drawing.arrows += [(model, box) for box in answers]
    _add_hops(drawing, steps, origin.hops, rows, model)


def _model(origin: Origin) -> Box:
    name = f"{origin.model} {origin.version}" if origin.version else origin.model
    digest = text.short(origin.digest)
    words = [text.verdict(word) for word in origin.verdicts]
    return Box(name, [digest, *words, *text.measured(origin)], "model")


def _served(serving: Serving) -> Box:
    style = "plain" if serving.end else "served"
    span = text.span(serving)
    pusher = [f"pushed by {serving.by}"] if serving.by else []
    return Box("Served", [span, *pusher], style)


def _add_hops(
    drawing: Drawing, columns: list[Column], hops: list[Hop], rows: Box, model: Box
) -> None:
    """Each step to the right of those that it read from, and the last one before the model."""
    boxes = [Box(hop.node, [f"of {hop.run}"]) for hop in hops]
    depths = _depths(hops)
    places = zip(boxes, depths, strict=True)
    for box, depth in sorted(places, key=itemgetter(1)):
        column = columns[depth]
        column.boxes.append(box)
    for hop, box in zip(hops, boxes, strict=True):
        is_first = not hop.inputs
        if is_first and "examples" in hop.outputs:
            drawing.arrows.append((rows, box))
        for place in _nearest(hops, hop):
            source = boxes[place]
            drawing.arrows.append((source, box))
    if boxes:
        last, *_ = boxes
        drawing.arrows.append((last, model))


def _nearest(hops: list[Hop], hop: Hop) -> Places:
    """The steps that it read from, but for those that another one of them read from as well."""
    sources = _sources(hops, hop)
    further: set[int] = set()
    for source in sources:
        further |= {*_sources(hops, hops[source])}
    return [place for place in sources if place not in further]


def _sources(hops: list[Hop], hop: Hop) -> Places:
    """The places of the steps that made what it read."""
    ids = _ids(hop.inputs.values())
    places = []
    for place, step in enumerate(hops):
        products = _ids(step.outputs.values())
        if step is not hop and products & ids:
            places.append(place)
    return places


def _ids(groups: Iterable[list[Artifact]]) -> set[str]:
    return {artifact.id for group in groups for artifact in group}


def _depths(hops: list[Hop]) -> Places:
    """How many steps each one has before it, the longest way."""

    def depth(hop: Hop) -> int:
        sources = _sources(hops, hop)
        depths = [depth(hops[place]) for place in sources]
        return max(depths, default=-1) + 1

    return [depth(hop) for hop in hops]


def _add_touched(drawing: Drawing, question: Box, touched: Touched) -> None:
    _, models, places = drawing.columns
    digest = text.short(touched.digest)
    ends = [serving.end for serving in touched.servings]
    style = "bad" if None in ends else "model"
    model = Box(touched.model, [digest, f"trained by {touched.run}"], style)
    answers = [_bad_version(serving) for serving in touched.servings]
    models.boxes.append(model)
    places.boxes += answers
    drawing.arrows.append((question, model))
    drawing.arrows += [(model, box) for box in answers]


def _bad_version(serving: Serving) -> Box:
    style = "plain" if serving.end else "bad"
    span = text.span(serving)
    return Box(f"Version {serving.version}", [span], style)
