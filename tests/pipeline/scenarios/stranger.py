"""The clone of another team.

It has other values, two stages, one model gone, one renamed, one new. `python3 -m
tests.pipeline.scenarios.stranger FOLDER` makes it; `make theirs` runs all of `make test` there.
Nothing is edited in it but what is a team's: environments.py and models/.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests.scratch_git import ISOLATED

REPOSITORY = Path(__file__).resolve().parents[3]
TEAM = REPOSITORY / "tests/team"
OWN = TEAM / "models"
RENAMED = "tips"
NEW = "tide"
ENVIRONMENTS = '''"""Our stages."""

from settings import GitHub, RequestLog, Serving, Settings, Training
from settings.stages import by_stage

HUB = GitHub("harbour-lab/tide.tables_2", 991, branch="trunk")

LAB = Settings(
    stage="lab",
    project_id="harbour-lab",
    project_number=700700700700,
    region="europe-west1",
    github=HUB,
    approval_required=False,
    alert_emails=("watch@harbour.example", "night@harbour.example"),
    training=Training("e2-highmem-8"),
)
LIVE = Settings(
    stage="live",
    project_id="harbour-live-2",
    project_number=800800800800,
    region="europe-north1",
    github=HUB,
    promotes_from="lab",
    beam_engine="dataflow",
    tracker="none",
    serving=Serving(machine_type="c2-standard-8", max_replicas=3, traffic_steps=(5, 100)),
    request_log=RequestLog(1.0, 30),
    billing_account="AAAAAA-BBBBBB-CCCCCC",
    monthly_budget=900,
    readers=("group:analysts@harbour.example",),
    consumers=("serviceAccount:shop@other-project.iam.gserviceaccount.com",),
    alert_emails=("watch@harbour.example",),
    legacy_ai_platform=True,
    gcr_repository=True,
)
ENVIRONMENTS = by_stage(LAB, LIVE)
'''
# The same tables in another layout: inline, dotted and quoted, in another order.
DECLARATION = """# tides
"purpose" = "Tell whether a ferry will be late."
serving = { default_signature = "serving_default", sample = { ship = "Alda", month = 1 } }
label = { columns = ['delay'], name = 'late' }
training.steps   = 20
training.eval_steps = 2

[gate]
least_change = -0.3
"lower_bound" = 0.55
metric = 'auc'

[tuning]
space.learning_rate = [
    0.1, # the first is no better
    0.03,
]
trials = 2
eval_steps = 2
steps = 10

[data]
minimum_rows = 300
source = "data/rows.csv"
required = ["delay"]
null_values = ["NA", ""]
window_days = 365
origin = "made up"
licence = "CC0-1.0"
defects = []
"""


def clone(to: Path) -> Path:
    """This repository as it lies here, its files committed, then a team's own edits."""
    _copy_repository(to)
    if (to / "environments.py").read_text() == ENVIRONMENTS:  # a clone of such a clone
        _take_other_files(to)
    _git(to, "init", "--quiet", "--initial-branch=trunk")
    subprocess.run([sys.executable, to / "build/own", "--renew"], check=True)
    _commit(to, "as it is shipped")
    (to / "environments.py").write_text(ENVIRONMENTS)
    _change_models(to / "models")
    _commit(to, "our own")
    return to


def _take_other_files(to: Path) -> None:
    shutil.copy(TEAM / "environments.py", to)
    shutil.rmtree(to / "models")
    shutil.copytree(OWN, to / "models", ignore=shutil.ignore_patterns("__pycache__"))


def _copy_repository(to: Path) -> None:
    listed = _git(REPOSITORY, "ls-files", "-coz", "--exclude-standard")
    for name in listed.split("\0"):
        file = REPOSITORY / name
        if file.is_file():
            copy = to / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(file, copy)


def _change_models(models: Path) -> None:
    """The last model is renamed, the others go, and a new one comes."""
    folders = sorted(declaration.parent for declaration in models.glob("*/model.toml"))
    if folders:
        *others, last = folders
        for folder in others:
            shutil.rmtree(folder)
        last.rename(models / RENAMED)
        _read_own_table(models / RENAMED)
    new = models / NEW
    shutil.copytree(OWN / "ferry", new, ignore=shutil.ignore_patterns("__pycache__", "rows.csv"))
    (new / "model.toml").write_text(DECLARATION)
    data = new / "data"
    data.mkdir()
    rows = _in_blocks(OWN / "ferry/rows.csv")
    (data / "rows.csv").write_text(rows)


def _read_own_table(model: Path) -> None:
    """A public table of the US can't be read from a stage in Europe: the team loads its own."""
    query, declaration = model / "query.sql", model / "model.toml"
    own_query = re.sub(r"`[\w-]+\.\w+\.\w+`", "@table", query.read_text())
    query.write_text(own_query)
    without_location = re.sub(r"(?m)^location = .*\n", "", declaration.read_text())
    declaration.write_text(without_location)


def _in_blocks(rows: Path) -> str:
    """The rows with those of one class first and the other's after them."""
    header, *lines = rows.read_text(encoding="utf-8").splitlines()
    names = header.split(",")
    column = names.index("delay")

    def late(line: str) -> bool:
        delay = line.split(",")[column]
        return delay != "NA" and int(delay) > 15

    lines.sort(key=late)
    return "\n".join([header, *lines, ""])


def _commit(folder: Path, message: str) -> None:
    _git(folder, "add", "--all")
    _git(folder, "commit", "--quiet", f"--message={message}")


def _git(folder: Path, *arguments: str) -> str:
    inherited = {name: text for name, text in os.environ.items() if not name.startswith("GIT_")}
    variables = inherited | ISOLATED
    command = ["git", "-C", str(folder), *arguments]
    process = subprocess.run(command, env=variables, check=True, stdout=subprocess.PIPE, text=True)
    return process.stdout


if __name__ == "__main__":
    print(clone(Path(sys.argv[1])))
