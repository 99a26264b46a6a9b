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
from tests.standins.terraform.provider import VERSION
from tests.team import MODELS, TEAM

LOCK = "infra/terraform.lock.hcl"
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
    signing_key="projects/mill-dev/locations/eu/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1",
"""
MODEL, *_ = model_names()
DELETABLE = [stage for stage, settings in ENVIRONMENTS.items() if settings.deletable]


class Rehearsal:
    """A copy of the repository beside a cloud, and the commands a person types in it."""

    def __init__(self, copy: Path, cloud: Cloud) -> None:
        self.copy, self.cloud = copy, cloud
        self.stages = [DELETABLE[0], KEPT[0]]
        if cloud.real:
            self.stages = list(ENVIRONMENTS)

    @property
    def first(self) -> str:
        return self.stages[0]

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
        output = f"{out[-3000:]}\n{err[-3000:]}"
        assert process.returncode == code, f"{command} ended with {process.returncode}\n{output}"
        return out + err

    def operate(
        self, verb: str, stage: str, *options: object, code: int = 0, **environment: str
    ) -> str:
        command = ("python", "-m", "infra.deploy.operations", verb, "--env", stage, *options)
        return self.run(*command, code=code, **environment)

    def plan(self, stage: str) -> str:
        """The plan's summary."""
        output = self.operate("plan", stage)
        *_, summary = output.strip().splitlines()
        return summary

    def synthesize(self) -> None:
        self.run("python", "-m", "infra")

    def bootstrap(self, stage: str) -> None:
        self.operate("bootstrap", stage)
        settings = ENVIRONMENTS[stage]
        self.cloud.add_github_token(settings.project_id, settings.names.github_secret)

    def switch_versioning_off(self, stage: str) -> None:
        names = ENVIRONMENTS[stage].names
        self.cloud.switch_versioning_off(names.bucket("artifacts"))

    def remove_model(self, model: str) -> None:
        shutil.rmtree(self.copy / "models" / model)
        self.synthesize()

    def read(self, path: str) -> str:
        return (self.copy / path).read_text()

    def bootstrap_state(self, stage: str, verb: str) -> str:
        stack = f"cdktf.out/stacks/bootstrap-{stage}"
        return self.run("terraform", f"-chdir={stack}", "state", verb)

    def local_states(self) -> list[Path]:
        return list(self.copy.glob("*.tfstate*"))


def changes(stage: str, count: int) -> str:
    """A plan's summary."""
    return f"{stage}: {count} changes in {len(ORDER)} stacks"


@pytest.fixture(scope="module")
def rehearsal(tmp_path_factory, request):
    if shutil.which("terraform") is None or not CDKTF.exists():
        pytest.fail(
            "the rehearsal needs terraform on the PATH and `npm ci` done (`make node_modules`)"
        )
    place = tmp_path_factory.mktemp("rehearsal")
    copy = copy_repository(place / "esteira")
    with Cloud(place) as cloud:
        provider = cloud.provider
        reporter = request.config.pluginmanager.get_plugin("terminalreporter")
        reporter.write_line(
            f"\nrehearsing with the {provider.kind} google provider; not proven by it: "
            f"{provider.does_not_prove}"
        )
        rehearsal = Rehearsal(copy, cloud)
        if provider.plugin_dir:
            lock_to(provider.plugin_dir, place / "lock", copy / LOCK)
        rehearsal.synthesize()
        for stage in rehearsal.stages:
            rehearsal.bootstrap(stage)
        yield rehearsal


def lock_to(mirror: Path, folder: Path, lock: Path) -> None:
    """Have the lock file name the mirror's provider instead of the registry's."""
    folder.mkdir()
    source = {"source": "hashicorp/google", "version": VERSION}
    configuration = {"terraform": {"required_providers": {"google": source}}}
    (folder / "main.tf.json").write_text(json.dumps(configuration))
    command = ["terraform", "providers", "lock", f"-fs-mirror={mirror}"]
    environment = {**os.environ, "TF_CLI_CONFIG_FILE": os.devnull, "CHECKPOINT_DISABLE": "1"}
    subprocess.run(command, cwd=folder, check=True, capture_output=True, env=environment)
    shutil.copyfile(folder / ".terraform.lock.hcl", lock)


def copy_repository(to: Path) -> Path:
    files = subprocess.run(
        ["git", "ls-files", "-coz", "--exclude-standard"],
        cwd=REPOSITORY,
        check=True,
        capture_output=True,
        text=True,
    )
    for name in files.stdout.split("\0"):
        source, target = REPOSITORY / name, to / name
        if name and source.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)
    node_modules = to / "node_modules"
    node_modules.symlink_to(REPOSITORY / "node_modules")
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


def interrupt_half_way(rehearsal: Rehearsal, stage: str, first_objects: set[str]) -> None:
    rehearsal.cloud.take_time(1)
    deploy = rehearsal.start("python", "-m", "infra.deploy.operations", "deploy", "--env", stage)
    deadline = time.monotonic() + 120
    while deploy.poll() is None and time.monotonic() < deadline:
        new_objects = rehearsal.cloud.objects() - first_objects
        if len(new_objects) >= 3:
            break
        time.sleep(0.05)
    os.killpg(deploy.pid, signal.SIGINT)  # as a terminal does, and a runner that is cancelled,
    deploy.send_signal(signal.SIGTERM)  # which loses its patience
    _, output = deploy.communicate(timeout=120)
    rehearsal.cloud.take_time(0)
    assert deploy.returncode == 1, output
    message = (
        r"foundation-\w+: .*; stacks not reached: delivery-\w+, serving-\w+, monitoring-\w+; "
        r"what was made is in the state"
    )
    assert re.search(message, output), output


def test_bootstrap_is_safe_to_repeat(rehearsal):
    stage = rehearsal.first

    output = rehearsal.operate("bootstrap", stage)

    assert f"bootstrap-{stage}: 0 changes" in output
    assert rehearsal.local_states() == []


def test_bootstrap_goes_on_after_a_failure_between_its_two_steps(rehearsal):
    """As if the state had never been moved: the local one is there, the bucket's is not."""
    stage = rehearsal.first
    state = rehearsal.bootstrap_state(stage, "pull")
    local_state = rehearsal.copy / f"bootstrap-{stage}.tfstate"
    local_state.write_text(state)
    delete_state(rehearsal, stage, "bootstrap")

    output = rehearsal.operate("bootstrap", stage)

    assert f"bootstrap-{stage}: 0 changes" in output
    resources = rehearsal.bootstrap_state(stage, "list")
    assert "google_storage_bucket" in resources
    assert rehearsal.local_states() == []


def test_a_deploy_that_was_interrupted_half_way_is_finished_by_the_next(rehearsal, deployed):
    first_objects, half = deployed

    whole = rehearsal.cloud.objects() - first_objects

    assert half
    assert len(half) < len(whole)


def test_a_second_plan_is_empty(rehearsal, deployed):
    for stage in rehearsal.stages:
        assert rehearsal.plan(stage) == changes(stage, 0)


def test_cdktf_diff_shows_no_change_either(rehearsal, deployed):
    stack = f"foundation-{rehearsal.first}"

    output = rehearsal.run(CDKTF, "diff", stack, "--skip-provider-lock")

    assert "found no differences, so no changes are needed" in output


def test_a_change_from_outside_is_found_and_undone(rehearsal, deployed):
    stage = rehearsal.first
    rehearsal.switch_versioning_off(stage)

    summary = rehearsal.plan(stage)
    rehearsal.operate("deploy", stage)
    summary_after_deploy = rehearsal.plan(stage)

    assert summary == changes(stage, 1)
    assert summary_after_deploy == changes(stage, 0)


def test_a_plan_that_is_not_the_approved_one_is_not_applied(rehearsal, deployed):
    stage = rehearsal.first
    actions = f"approved/{stage}.actions.json"
    rehearsal.operate("plan", stage, "--out", "approved")
    rehearsal.switch_versioning_off(stage)

    refused = rehearsal.operate("deploy", stage, "--expect", actions, code=3)
    rehearsal.operate("plan", stage, "--out", "approved")
    rehearsal.operate("deploy", stage, "--expect", actions)
    summary = rehearsal.plan(stage)

    assert "the plan is not the approved one any more" in refused
    assert summary == changes(stage, 0)


def test_a_plan_says_what_runs_all_the_time_what_runs_now_and_what_both_cost(rehearsal, deployed):
    stage = KEPT[0]
    settings = ENVIRONMENTS[stage]
    prices = rehearsal.copy / "prices.toml"
    prices.write_text(f"{settings.serving.machine_type} = 0.1\n")
    rehearsal.cloud.keep_running(settings, MODEL, settings.serving.machine_type, 1)

    try:
        planned = rehearsal.operate("plan", stage, "--out", "priced")
        prices.write_text("n1-standard-4 = -1\n")
        refused = rehearsal.operate("plan", stage, code=2)
    finally:
        prices.unlink()
        rehearsal.cloud.keep_running(settings, MODEL, settings.serving.machine_type, 0)

    count = 2 * settings.serving.min_replicas * len(model_names())
    assert f"  {count} × {settings.serving.machine_type}: " in planned
    assert f"  {count * 73:,.2f} a month by prices.toml\n" in planned
    assert f"  now: 1 × {settings.serving.machine_type}; {(count - 1) * 73:,.2f} a month" in planned
    assert rehearsal.read(f"priced/{stage}.machines.json") == '{"n1-standard-4": 1}'
    sentence = "prices.toml: n1-standard-4 is -1, allowed is a price per hour from 0 to 1000000000"
    assert refused.strip() == sentence


def test_everything_that_is_optional_can_be_planned(rehearsal, deployed):
    """Flags, budget, readers and consumers, in a stage without any of them."""
    file = rehearsal.copy / "environments.py"
    plain = file.read_text()
    full = plain.replace("    deletable=True,\n", f"    deletable=True,\n{EVERYTHING}", 1)
    file.write_text(full)
    rehearsal.synthesize()

    try:
        planned = rehearsal.operate("plan", rehearsal.first)
    finally:
        file.write_text(plain)
        rehearsal.synthesize()

    for address in (
        "google_ml_engine_model",
        '"gcr.io"',
        "google_billing_budget",
        "group:readers@example.org",
        "group:callers@example.org",
        "google_kms_crypto_key_iam_member",
    ):
        assert address in planned


def test_a_locked_state_is_one_sentence_with_the_way_out(rehearsal, deployed):
    stage = rehearsal.first
    lock(rehearsal, stage, "foundation")

    refused = rehearsal.operate("deploy", stage, code=1)
    unlock = re.search(r"`terraform (\S+) force-unlock (\d+)`", refused)

    assert f"foundation-{stage}: the state is locked by ada@laptop since" in refused
    assert "Traceback" not in refused
    directory, lock_id = unlock.groups()
    rehearsal.run("terraform", directory, "force-unlock", "-force", lock_id)
    assert rehearsal.plan(stage) == changes(stage, 0)


def test_a_state_server_that_is_away_is_said_within_seconds(rehearsal, deployed):
    start = time.monotonic()

    refused = rehearsal.operate(
        "plan",
        rehearsal.first,
        code=1,
        GOOGLE_BACKEND_STORAGE_CUSTOM_ENDPOINT="http://127.0.0.1:9/storage/v1/",
    )

    duration = time.monotonic() - start
    assert "the state's server http://127.0.0.1:9 can't be reached" in refused
    assert duration < 15


def test_a_missing_terraform_is_one_sentence(rehearsal, deployed):
    folders = os.environ["PATH"].split(os.pathsep)
    folders_without = [name for name in folders if not Path(name, "terraform").exists()]
    path = os.pathsep.join(folders_without)

    refused = rehearsal.operate("plan", rehearsal.first, code=1, PATH=path)

    *_, message = refused.strip().splitlines()
    assert message.startswith("there is no terraform on the PATH")


def test_a_missing_provider_is_one_sentence(rehearsal, deployed, tmp_path):
    stage = rehearsal.first
    for providers in rehearsal.copy.glob(f"cdktf.out/stacks/foundation-{stage}/.terraform"):
        shutil.rmtree(providers)

    mirror = f"-plugin-dir={tmp_path}"
    refused = rehearsal.operate("plan", stage, code=1, TF_CLI_ARGS_init=mirror)

    assert "the provider hashicorp/google can't be had from the registry or the mirror" in refused


def test_a_provider_that_the_lock_does_not_name_is_refused(rehearsal, deployed):
    stage = rehearsal.first
    stack = rehearsal.copy / f"cdktf.out/stacks/foundation-{stage}"
    own_lock = stack / ".terraform.lock.hcl"
    text = own_lock.read_text()
    shutil.rmtree(stack / ".terraform", ignore_errors=True)
    other_hash = re.sub(r'"h1:[^"]{8}', '"h1:AAAAAAAA', text)
    own_lock.write_text(re.sub(r'"zh:[0-9a-f]{8}', '"zh:00000000', other_hash))

    try:
        refused = rehearsal.operate("plan", stage, code=1)
    finally:
        own_lock.write_text(text)

    assert "the provider is not one that infra/terraform.lock.hcl names" in refused


def test_an_environment_that_is_kept_is_not_torn_down(rehearsal, deployed):
    stage = KEPT[0]
    earlier_objects = rehearsal.cloud.objects()

    refused = rehearsal.operate("teardown", stage, code=2)

    assert f"stage {stage} is not deletable" in refused
    assert rehearsal.cloud.objects() == earlier_objects
    assert rehearsal.plan(stage) == changes(stage, 0)


def test_a_teardown_leaves_nothing_but_bootstrap(rehearsal, deployed):
    first_objects, _ = deployed
    stages = [stage for stage in rehearsal.stages if stage in DELETABLE]

    for stage in stages:
        settings = ENVIRONMENTS[stage]
        versions = rehearsal.cloud.deploy_a_model(settings, MODEL)
        rehearsal.operate("teardown", stage)

        remaining_objects = rehearsal.cloud.objects() - first_objects - versions
        for name in remaining_objects:
            assert settings.project_id not in name
        resources = rehearsal.bootstrap_state(stage, "list")
        assert "google_storage_bucket" in resources


def test_a_served_model_is_retired_before_its_folder_can_go(rehearsal, deployed):
    """In a kept stage, too: its endpoint alone may go, and by an approved plan."""
    stage = KEPT[0]
    settings = ENVIRONMENTS[stage]
    rehearsal.cloud.deploy_a_model(settings, MODEL)
    rehearsal.remove_model(MODEL)
    earlier_objects = rehearsal.cloud.objects()
    sentence = (
        f"models/{MODEL} is gone and its endpoint {settings.names.endpoint(MODEL)} still has "
        f"1 deployed model: `python3 -m pipeline release retire {MODEL} --env {stage}`"
    )

    refused_plan = rehearsal.operate("plan", stage, code=3)
    rehearsal.operate("plan", stage, "--out", "served", code=1)
    refused_deploy = rehearsal.operate("deploy", stage, code=3)

    for output in (
        refused_plan,
        refused_deploy,
        rehearsal.read(f"served/serving-{stage}.error.txt"),
    ):
        assert sentence in output
    assert rehearsal.cloud.objects() == earlier_objects


def test_a_retired_model_s_endpoint_is_destroyed_and_nothing_else(rehearsal, deployed):
    stage = KEPT[0]
    settings = ENVIRONMENTS[stage]
    rehearsal.cloud.undeploy_models(settings, MODEL)
    earlier_objects = rehearsal.cloud.objects()

    rehearsal.operate("plan", stage, "--out", "retired")
    rehearsal.operate("deploy", stage, "--expect", f"retired/{stage}.actions.json")

    actions = json.loads(rehearsal.read(f"retired/{stage}.actions.json"))
    [(address, steps)] = actions.items()
    gone_objects = earlier_objects - rehearsal.cloud.objects()
    assert steps == ["delete"]
    assert "google_vertex_ai_endpoint" in address
    assert len(gone_objects) == 1
    assert not rehearsal.cloud.has_endpoint(settings, MODEL)


def objects_path(stage: str) -> str:
    """The path of the objects in the stage's state bucket."""
    bucket = ENVIRONMENTS[stage].names.bucket("state")
    return f"storage/v1/b/{bucket}/o"


def delete_state(rehearsal: Rehearsal, stage: str, stack: str) -> None:
    name = urllib.parse.quote(f"{stack}/default.tfstate", safe="")
    send(rehearsal, "DELETE", f"{objects_path(stage)}/{name}")


def send(rehearsal: Rehearsal, method: str, path: str, body: bytes | None = None) -> None:
    """Ask the state's server for something."""
    url = f"{rehearsal.cloud.state.url}/{path}"
    request = urllib.request.Request(url, body, method=method)
    answer = urllib.request.urlopen(request, timeout=5)
    answer.close()


def lock(rehearsal: Rehearsal, stage: str, stack: str) -> None:
    """The lock of another Terraform at work, beside the state."""
    content = {
        "ID": "",
        "Operation": "OperationTypeApply",
        "Info": "",
        "Who": "ada@laptop",
        "Version": "1.11.4",
        "Created": "2026-11-24T10:00:00Z",
        "Path": "",
    }
    query = f"uploadType=media&name={stack}/default.tflock"
    text = json.dumps(content)
    send(rehearsal, "POST", f"upload/{objects_path(stage)}?{query}", text.encode())
