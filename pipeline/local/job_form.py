"""What a rehearsal reads of a compiled job, checked before its first node.

https://github.com/kubeflow/pipelines/blob/master/api/v2alpha1/pipeline_spec.proto says what each
key means; keys that no rehearsal reads are left alone.
"""

import graphlib
from collections.abc import Iterator
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic.alias_generators import to_camel

# What metadata_store.py can answer of a resolver's filter.
TEXT = r'(schema_title|name|metadata\.\w+\.string_value)=".*?"'
NUMBER = r"metadata\.\w+\.number_value=[0-9.]+"
CLAUSE = rf"({TEXT}|{NUMBER}|state=LIVE)"
FILTER = rf"^{CLAUSE}( AND {CLAUSE})*$"
RESULTS = {"Evaluator": "blessing", "ServingCheck": "blessing", "Pusher": "pushed_model"}
Json = dict[str, Any]


class Part(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, strict=True, alias_generator=to_camel)


class Reference(Part):
    name: str


class Constant(Part):
    constant: Any


class Address(Part):
    constant: str


class Parameter(Part):
    runtime_value: Constant


class Origin(Part):
    producer_task: str
    output_artifact_key: str


class InputArtifact(Part):
    task_output_artifact: Origin


class Inputs(Part):
    parameters: dict[str, Parameter] = {}
    artifacts: dict[str, InputArtifact] = {}


class Task(Part):
    component_ref: Reference
    inputs: Inputs = Inputs()
    dependent_tasks: list[str] = []
    caching_options: Json = {}

    @property
    def upstream(self) -> list[str]:
        origins = [artifact.task_output_artifact for artifact in self.inputs.artifacts.values()]
        return [*self.dependent_tasks, *(origin.producer_task for origin in origins)]


class OutputArtifact(Part):
    artifact_type: Json


class Outputs(Part):
    artifacts: dict[str, OutputArtifact] = {}


class Component(Part):
    executor_label: str
    output_definitions: Outputs = Outputs()


class Container(Part):
    image: str
    command: list[str]
    args: list[str]


class Importer(Part):
    artifact_uri: Address
    metadata: Json = {}


class Query(Part):
    filter: Annotated[str, Field(pattern=FILTER)]


class Resolver(Part):
    output_artifact_queries: dict[str, Query]


class Executor(Part):
    container: Container | None = None
    importer: Importer | None = None
    resolver: Resolver | None = None

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if len(self.model_fields_set) != 1:
            raise ValueError("allowed is one of container, importer and resolver")
        return self


class Dag(Part):
    tasks: dict[str, Task]


class Root(Part):
    dag: Dag


class Deployment(Part):
    executors: dict[str, Executor]


class Spec(Part):
    schema_version: str
    root: Root
    components: dict[str, Component]
    deployment_spec: Deployment

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        for problem in _problems(self):
            raise ValueError(problem)
        return self


class RuntimeConfig(Part):
    gcs_output_directory: str


class Job(Part):
    runtime_config: RuntimeConfig
    pipeline_spec: Spec


def problem(job: object) -> str | None:
    """Why the job can't be rehearsed, None where it can."""
    try:
        Job.model_validate(job)
    except ValidationError as error:
        first, *_ = error.errors(include_url=False, include_input=False)
        key = ".".join(map(str, first["loc"]))
        words = first["msg"].removeprefix("Value error, ")
        return f"{key}: {words[0].lower()}{words[1:]}" if key else words
    return None


def _problems(spec: Spec) -> Iterator[str]:
    """What the parts name and the spec has not."""
    tasks = spec.root.dag.tasks
    for name, task in tasks.items():
        yield from _problems_of_task(spec, name, task)
    for name, key in RESULTS.items():
        if name not in tasks or key not in _outputs(spec, tasks[name]):
            yield f"there is no {key} of a task {name}"
    upstream = {name: task.upstream for name, task in tasks.items()}
    try:
        graphlib.TopologicalSorter(upstream).prepare()
    except graphlib.CycleError as error:
        yield f"its tasks wait for each other: {', '.join(error.args[1])}"


def _problems_of_task(spec: Spec, name: str, task: Task) -> Iterator[str]:
    component = spec.components.get(task.component_ref.name)
    if component is None:
        yield f"the task {name} is of {task.component_ref.name}, which is no component"
        return
    executor = spec.deployment_spec.executors.get(component.executor_label)
    if executor is None:
        yield f"the task {name} has the executor {component.executor_label}, which is none"
        return
    if executor.importer and len(component.output_definitions.artifacts) != 1:
        yield f"the task {name} imports, allowed is one output"
    for upstream in task.upstream:
        if upstream not in spec.root.dag.tasks:
            yield f"the task {name} waits for {upstream}, which is no task"


def _outputs(spec: Spec, task: Task) -> dict[str, OutputArtifact]:
    component = spec.components[task.component_ref.name]
    return component.output_definitions.artifacts
