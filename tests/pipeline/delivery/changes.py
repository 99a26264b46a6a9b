"""The table of changes and of their reach."""

from pipeline.delivery.route import Route

MODELS = frozenset({"cab", "ferry"})
FULL = Route(image=True, models=MODELS)
IMAGE = Route(image=True)
INFRASTRUCTURE = Route(infrastructure=True)
CAB = Route(models=frozenset({"cab"}))
NOTHING = Route()

TABLE = {
    "models/cab/model.py": CAB,
    "models/cab/model.toml": CAB,
    "models/cab/hyperparameters/best.json": CAB,
    "models/cab/notes/data drift, März.md": CAB,
    "models/nobody/model.py": NOTHING,
    "pipeline/job/dag.py": FULL,
    "pipeline/spec.py": FULL,
    "pipeline/job/compiler.py": FULL,
    "pipeline/job/evaluation.py": FULL,
    "pipeline/model/declaration.py": FULL,
    "pipeline/model/folder.py": FULL,
    "pipeline/model/schema.py": FULL,
    "pipeline/components/trainer.py": FULL,
    "pipeline/components/of/a/folder.py": FULL,
    "settings/__init__.py": FULL,
    "settings/names.py": FULL,
    "settings/of_a_later_version.py": FULL,
    "Pipfile.lock": FULL,
    "build/Dockerfile": FULL,
    "build/environment": FULL,
    "build/requirements": FULL,
    "build/trim": FULL,
    ".dockerignore": IMAGE,
    "settings/stages.py": IMAGE,
    "pipeline/models/cab/model.py": IMAGE,  # where a clone from before had it
    "pipeline/__main__.py": IMAGE,
    "pipeline/errors.py": IMAGE,
    "pipeline/gcp/clients.py": IMAGE,
    "pipeline/serving/engine.py": IMAGE,
    "pipeline/reports/report.html.jinja": IMAGE,
    "pipeline/delivery/route.py": IMAGE,
    "pipeline/monitoring/judging/drift.py": IMAGE,
    "infra/stacks/serving.py": INFRASTRUCTURE,
    "environments.py": INFRASTRUCTURE,
    "README.md": NOTHING,
    "models/README.md": NOTHING,
    "Pipfile": NOTHING,
    "build/image": NOTHING,
    "build/image.yaml": NOTHING,
    "tests/pipeline/local/test_run.py": NOTHING,
    "docs/pipeline/job/dag.py": NOTHING,
    ".github/workflows/main.yml": NOTHING,
}
HOSTILE = {
    "models/cab/a name\nwith a line, 'quotes' and a \udcff byte": CAB,
    "models/ta xi/model.toml": NOTHING,
    "models/cab\n/model.py": NOTHING,
    "models/таxi/model.py": NOTHING,
    "models/../pipeline/job/dag.py": FULL,
    "models/cab/../../pipeline/job/dag.py": FULL,
    "../pipeline/job/dag.py": NOTHING,
    "pipeline\\dag.py": NOTHING,
    "pipeline/spec.py\n": IMAGE,
    "Pipeline/dag.py": NOTHING,
    "pipelines/dag.py": NOTHING,
    "pipeline/components": IMAGE,
    "-": NOTHING,
    "": NOTHING,
}
