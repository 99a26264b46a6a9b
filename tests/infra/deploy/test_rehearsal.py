"""Every stack of a stage is stood up and torn down.

Terraform, the cdktf command line and the state's backend are the real ones. The commands run word
for word in a copy of the repository. Where the real provider can be had (TF_PROVIDER_MIRROR, or the
registry) it runs against Google's APIs as tests/standins answers them, for every stage; else its
stand-in runs, for one stage that is deletable and one that is kept.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import time
import urllib.parse
import urllib.request
from pathlib import Path

import pytest

from environments import ENVIRONMENTS
from infra.deploy.operations import ORDER
from settings import REPOSITORY, model_names
from tests.infra.deploy.cloud import Cloud
from tests.team import MODELS, TEAM

CDKTF = REPOSITORY / "node_modules/.bin/cdktf"
KEPT = [stage for stage, settings in ENVIRONMENTS.items() if not settings.deletable]
EVERYTHING = """
    legacy_ai_platform=True,
    gcr_repository=True,
    billing_account="012345-6789AB-CDEF01",
    monthly_budget=300,
    readers=("group:readers@example.org",),
    consumers=("group:callers@example.org",),
    alert_emails=("team@example.org",),
"""
DELETABLE = [stage for stage, settings in ENVIRONMENTS.items() if settings.deletable]


class Rehearsal:
    """A copy of the repository beside a cloud, and the commands a person types in it."""

    def __init__(self, copy: Path, cloud: Cloud) -> None:
        self.copy, self.cloud = copy, cloud
        self.stages = (
            list(ENVIRONMENTS) if cloud.provider.kind == "real" else [DELETABLE[0], KEPT[0]]
        )

    def start(self, *command: object, **environment: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [str(part) for part in command],
            cwd=self.copy,
            env={**self.cloud.environment(), **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, *command: object, code: int = 0, **environment: str) -> str:
        """Its output on both streams; it must end with `code`."""
        process = self.start(*command, **environment)
        out, err = process.communicate(timeout=400)
        assert process.returncode == code, (
            f"{command} ended with {process.returncode}\n{out[-3000:]}\n{err[-3000:]}"
        )
        return out + err

    def operate(
        self, verb: str, stage: str, *options: object, code: int = 0, **environment: str
    ) -> str:
        return self.run(
            "python",
            "-m",
            "infra.deploy.operations",
            verb,
            "--env",
            stage,
            *options,
            code=code,
            **environment,
        )

    def plan(self, stage: str) -> str:
        return self.operate("plan", stage).strip().splitlines()[-1]


@pytest.fixture(scope="module")
def rehearsal(tmp_path_factory, request):
    if shutil.which("terraform") is None or not CDKTF.exists():
        pytest.fail(
            "the rehearsal needs terraform on the PATH and `npm ci` done (`make node_modules`)"
        )
    place = tmp_path_factory.mktemp("rehearsal")
    with Cloud(place) as cloud:
        reporter = request.config.pluginmanager.get_plugin("terminalreporter")
        reporter.write_line(
            f"\nrehearsing with the {cloud.provider.kind} google provider; not proven by it: "
            f"{cloud.provider.does_not_prove}"
        )
        rehearsal = Rehearsal(copy_repository(place / "esteira"), cloud)
        rehearsal.run("python", "-m", "infra")
        for stage in rehearsal.stages:
            rehearsal.operate("bootstrap", stage)
            cloud.add_github_token(
                ENVIRONMENTS[stage].project_id, ENVIRONMENTS[stage].names.github_secret
            )
        yield rehearsal


def copy_repository(to: Path) -> Path:
    files = subprocess.run(
        ["git", "ls-files", "-coz", "--exclude-standard"],
        cwd=REPOSITORY,
        check=True,
        capture_output=True,
        text=True,
    )
    for name in filter(None, files.stdout.split("\0")):
        if (REPOSITORY / name).exists():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(REPOSITORY / name, to / name)
    (to / "node_modules").symlink_to(REPOSITORY / "node_modules")
    shutil.rmtree(to / "models")
    shutil.copytree(MODELS, to / "models")
    shutil.copy(TEAM / "environments.py", to)
    return to


@pytest.fixture(scope="module")
def deployed(rehearsal):
    """Every stage of the rehearsal, deployed.

    The first one was interrupted half-way; the cdktf command line finished it.
    """
    first, *later_stages = rehearsal.stages
    first_objects = rehearsal.cloud.objects()
    interrupt_half_way(rehearsal, first, first_objects)
    half = rehearsal.cloud.objects() - first_objects
    rehearsal.run(CDKTF, "deploy", f"*-{first}", "--auto-approve", "--skip-provider-lock")
    for stage in later_stages:
        rehearsal.operate("deploy", stage)
    return first_objects, half


def interrupt_half_way(rehearsal: Rehearsal, stage: str, before: set[str]) -> None:
    rehearsal.cloud.take_time(1)
    deploy = rehearsal.start("python", "-m", "infra.deploy.operations", "deploy", "--env", stage)
    deadline = time.monotonic() + 120
    while (
        len(rehearsal.cloud.objects() - before) < 3
        and deploy.poll() is None
        and time.monotonic() < deadline
    ):
        time.sleep(0.05)
    os.killpg(deploy.pid, signal.SIGINT)  # as a terminal does, and a runner that is cancelled,
    deploy.send_signal(signal.SIGTERM)  # which loses its patience
    _, output = deploy.communicate(timeout=120)
    rehearsal.cloud.take_time(0)
    assert deploy.returncode == 1, output
    assert re.search(
        r"foundation-\w+: .*; stacks not reached: delivery-\w+, serving-\w+, monitoring-\w+; "
        r"what was made is in the state",
        output,
    ), output


def test_bootstrap_is_safe_to_repeat(rehearsal):
    stage = rehearsal.stages[0]

    output = rehearsal.operate("bootstrap", stage)

    assert f"bootstrap-{stage}: 0 changes" in output
    assert list(rehearsal.copy.glob("*.tfstate*")) == []


def test_bootstrap_goes_on_after_a_failure_between_its_two_steps(rehearsal):
    """As if the state had never been moved: the local one is there, the bucket's is not."""
    stage = rehearsal.stages[0]
    stack = rehearsal.copy / f"cdktf.out/stacks/bootstrap-{stage}"
    state = rehearsal.run("terraform", f"-chdir={stack}", "state", "pull")
    (rehearsal.copy / f"bootstrap-{stage}.tfstate").write_text(state)
    delete_state(rehearsal, stage, "bootstrap")

    output = rehearsal.operate("bootstrap", stage)

    assert f"bootstrap-{stage}: 0 changes" in output
    assert "google_storage_bucket" in rehearsal.run("terraform", f"-chdir={stack}", "state", "list")
    assert list(rehearsal.copy.glob("*.tfstate*")) == []


def test_a_deploy_that_was_interrupted_half_way_is_finished_by_the_next(rehearsal, deployed):
    first_objects, half = deployed

    assert 0 < len(half) < len(rehearsal.cloud.objects() - first_objects)


def test_a_second_plan_is_empty(rehearsal, deployed):
    for stage in rehearsal.stages:
        assert rehearsal.plan(stage) == f"{stage}: 0 changes in {len(ORDER)} stacks"


def test_cdktf_diff_shows_no_change_either(rehearsal, deployed):
    output = rehearsal.run(
        CDKTF, "diff", f"foundation-{rehearsal.stages[0]}", "--skip-provider-lock"
    )

    assert "found no differences, so no changes are needed" in output


def test_a_change_from_outside_is_found_and_undone(rehearsal, deployed):
    stage = rehearsal.stages[0]
    rehearsal.cloud.switch_versioning_off(ENVIRONMENTS[stage].names.bucket("artifacts"))

    summary = rehearsal.plan(stage)
    rehearsal.operate("deploy", stage)

    assert summary == f"{stage}: 1 changes in {len(ORDER)} stacks"
    assert rehearsal.plan(stage) == f"{stage}: 0 changes in {len(ORDER)} stacks"


def test_a_plan_that_is_not_the_approved_one_is_not_applied(rehearsal, deployed):
    stage = rehearsal.stages[0]
    rehearsal.operate("plan", stage, "--out", "approved")
    rehearsal.cloud.switch_versioning_off(ENVIRONMENTS[stage].names.bucket("artifacts"))

    refused = rehearsal.operate(
        "deploy", stage, "--expect", f"approved/{stage}.actions.json", code=3
    )
    rehearsal.operate("plan", stage, "--out", "approved")
    rehearsal.operate("deploy", stage, "--expect", f"approved/{stage}.actions.json")

    assert "the plan is not the approved one any more" in refused
    assert rehearsal.plan(stage) == f"{stage}: 0 changes in {len(ORDER)} stacks"


def test_everything_that_is_optional_can_be_planned(rehearsal, deployed):
    """Flags, budget, readers and consumers, in an environment without any of them."""
    stage, file = rehearsal.stages[0], rehearsal.copy / "environments.py"
    plain = file.read_text()
    file.write_text(plain.replace("    deletable=True,\n", f"    deletable=True,\n{EVERYTHING}", 1))
    rehearsal.run("python", "-m", "infra")

    planned = rehearsal.operate("plan", stage)

    file.write_text(plain)
    rehearsal.run("python", "-m", "infra")
    for address in (
        "google_ml_engine_model",
        '"gcr.io"',
        "google_billing_budget",
        "group:readers@example.org",
        "group:callers@example.org",
    ):
        assert address in planned


def test_a_locked_state_is_one_sentence_with_the_way_out(rehearsal, deployed):
    stage = rehearsal.stages[0]
    lock(rehearsal, stage, "foundation")

    refused = rehearsal.operate("deploy", stage, code=1)
    unlock = re.search(r"`terraform (\S+) force-unlock (\d+)`", refused)

    assert f"foundation-{stage}: the state is locked by ada@laptop since" in refused
    assert "Traceback" not in refused
    rehearsal.run("terraform", unlock[1], "force-unlock", "-force", unlock[2])
    assert rehearsal.plan(stage) == f"{stage}: 0 changes in {len(ORDER)} stacks"


def test_a_state_server_that_is_away_is_said_within_seconds(rehearsal, deployed):
    start = time.monotonic()

    refused = rehearsal.operate(
        "plan",
        rehearsal.stages[0],
        code=1,
        GOOGLE_BACKEND_STORAGE_CUSTOM_ENDPOINT="http://127.0.0.1:9/storage/v1/",
    )

    assert "the state's server http://127.0.0.1:9 can't be reached" in refused
    assert time.monotonic() - start < 15


def test_a_missing_terraform_is_one_sentence(rehearsal, deployed):
    path = os.pathsep.join(
        p for p in os.environ["PATH"].split(os.pathsep) if not (Path(p) / "terraform").exists()
    )

    refused = rehearsal.operate("plan", rehearsal.stages[0], code=1, PATH=path)

    assert refused.strip().splitlines()[-1].startswith("there is no terraform on the PATH")


def test_a_missing_provider_is_one_sentence(rehearsal, deployed, tmp_path):
    for used in rehearsal.copy.glob(
        f"cdktf.out/stacks/foundation-{rehearsal.stages[0]}/.terraform"
    ):
        shutil.rmtree(used)

    refused = rehearsal.operate(
        "plan", rehearsal.stages[0], code=1, TF_CLI_ARGS_init=f"-plugin-dir={tmp_path}"
    )

    assert "the provider hashicorp/google can't be had from the registry or the mirror" in refused


def test_an_environment_that_is_kept_is_not_torn_down(rehearsal, deployed):
    first_objects = rehearsal.cloud.objects()

    refused = rehearsal.operate("teardown", KEPT[0], code=2)

    assert f"stage {KEPT[0]} is not deletable" in refused
    assert rehearsal.cloud.objects() == first_objects
    assert rehearsal.plan(KEPT[0]) == f"{KEPT[0]}: 0 changes in {len(ORDER)} stacks"


def test_a_teardown_leaves_nothing_but_bootstrap(rehearsal, deployed):
    first_objects, _ = deployed

    for stage in (stage for stage in rehearsal.stages if stage in DELETABLE):
        registered = rehearsal.cloud.deploy_a_model(ENVIRONMENTS[stage], model_names()[0])
        rehearsal.operate("teardown", stage)
        own = ENVIRONMENTS[stage].project_id

        assert {
            name for name in rehearsal.cloud.objects() - first_objects - registered if own in name
        } == set()
        assert "google_storage_bucket" in rehearsal.run(
            "terraform", f"-chdir=cdktf.out/stacks/bootstrap-{stage}", "state", "list"
        )


def object_url(rehearsal: Rehearsal, stage: str, name: str) -> str:
    return (
        f"{rehearsal.cloud.state.url}/storage/v1/b/"
        f"{ENVIRONMENTS[stage].names.bucket('state')}/o/{urllib.parse.quote(name, safe='')}"
    )


def delete_state(rehearsal: Rehearsal, stage: str, stack: str) -> None:
    request = urllib.request.Request(
        object_url(rehearsal, stage, f"{stack}/default.tfstate"), method="DELETE"
    )
    urllib.request.urlopen(request, timeout=5).close()


def lock(rehearsal: Rehearsal, stage: str, stack: str) -> None:
    """The lock of another Terraform at work, beside the state."""
    held = {
        "ID": "",
        "Operation": "OperationTypeApply",
        "Info": "",
        "Who": "ada@laptop",
        "Version": "1.11.4",
        "Created": "2026-11-24T10:00:00Z",
        "Path": "",
    }
    bucket = ENVIRONMENTS[stage].names.bucket("state")
    url = (
        f"{rehearsal.cloud.state.url}/upload/storage/v1/b/{bucket}/o?uploadType=media&"
        f"name={stack}/default.tflock"
    )
    urllib.request.urlopen(
        urllib.request.Request(url, json.dumps(held).encode(), method="POST"), timeout=5
    ).close()
