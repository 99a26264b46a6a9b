"""A run on Vertex and the rehearsal of its job have one lineage."""

import json
from datetime import UTC, datetime

import pytest

from environments import DEV
from pipeline.errors import RunError
from pipeline.gcp.stage import Stage
from pipeline.lineage.local_store import LocalStore
from pipeline.lineage.rehearsal_store import RehearsalStore
from pipeline.lineage.vertex_store import VertexStore
from tests.pipeline.delivery.deliveries import deliver
from tests.standins.twin import CLOUD_NAMES, Twin

pytestmark = pytest.mark.usefixtures("quick")
# properties that name no place; a model's digest is another where it is trained again
OF_ROWS = ("digest", "sha256", "rows")
OF_OTHERS = ("blessed", "sha256")


@pytest.fixture
def rehearsal(rehearsed) -> Twin:
    """The first rehearsal, whose tasks were all done."""
    file = min(rehearsed.root.glob("rehearsals/*/tasks.json"))
    tasks = json.loads(file.read_text())
    return Twin(tasks, rehearsed.root, rehearsal=file.parent.name)


@pytest.fixture
def vertex_run(pipelines, commit, rehearsal, blob) -> str:
    """The id of a job on Vertex that did what the rehearsal did."""
    today = datetime.now(UTC)
    run = f"dev-cab-{commit[:12]}-{today:%Y%m%d}-1"
    pipelines.details = Twin(
        rehearsal.tasks,
        rehearsal.root,
        folder="pipelines/dev-cab",
        runs={rehearsal.rehearsal: run},
    ).details(blob.bucket.name)
    deliver(commit)
    return run


def edges(store, run) -> set[tuple[str, ...]]:
    """Each artifact that a node of the run has read: its producer, its key and the node."""
    all_edges = set()
    for execution in store.of_run(run):
        for key, artifacts in store.inputs(execution).items():
            for artifact in artifacts:
                producer = store.producer(artifact)
                edge = (name(producer), artifact.type, facts(artifact), key, name(execution))
                all_edges.add(edge)
    return all_edges


def name(execution) -> str:
    """The cloud's name of the node."""
    return CLOUD_NAMES.get(execution.node, execution.node)


def facts(artifact) -> str:
    properties = artifact.properties
    names = OF_ROWS if artifact.type == "Examples" else OF_OTHERS
    own_properties = {name: properties[name] for name in names if name in properties}
    return json.dumps(own_properties, sort_keys=True)


def test_a_run_has_the_same_lineage_wherever_it_ran(vertex_run, rehearsal, trained):
    here = edges(LocalStore(trained.runs / "store/cab"), trained.summary["run"])
    rehearsed = edges(RehearsalStore(rehearsal.root), rehearsal.rehearsal)

    there = edges(VertexStore(Stage(DEV)), vertex_run)

    assert there == rehearsed
    assert there == here
    assert len(there) > 20


def test_the_data_of_a_rehearsal_is_found_by_its_digest(rehearsal):
    store = RehearsalStore(rehearsal.root)
    [ingested] = [task for task in rehearsal.tasks if task["taskName"] == "CsvExampleGen"]
    [examples] = ingested["outputs"]["examples"]["artifacts"]
    digest = examples["metadata"]["digest"]

    artifacts = list(store.with_property("Examples", "digest", digest))

    assert examples["name"] in [artifact.id for artifact in artifacts]
    assert {each.node for each in store.consumers(artifacts[0])} > {"Transform", "Evaluator"}


@pytest.mark.parametrize("text", ["", "[", "[{}]", '{"a": 1}'])
def test_a_damaged_rehearsal_is_named_in_a_sentence(tmp_path, text):
    file = tmp_path / "rehearsals/17/tasks.json"
    file.parent.mkdir(parents=True)
    file.write_text(text)

    with pytest.raises(RunError, match=r"rehearsals/17/tasks.json is damaged"):
        RehearsalStore(tmp_path)
