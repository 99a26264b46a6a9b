"""A tree's model runs in the stage's image, under names of its own, and nothing is pushed."""

import json
import subprocess
from dataclasses import replace

import pytest

from pipeline.delivery import record_object
from pipeline.errors import ConfigurationError, RunError
from pipeline.gcp import pipeline_jobs
from pipeline.submission import experiment
from tests.pipeline.delivery import experiments
from tests.pipeline.delivery.conftest import Repository, edit_record
from tests.standins.google.faults import LOST, Fault

pytestmark = pytest.mark.usefixtures("quick")


@pytest.fixture
def desk(google, pipelines, repository, warm):
    return experiments.desk(google, repository, warm)


def executors(job):
    deployment = job["pipelineSpec"]["deploymentSpec"]
    return deployment["executors"].values()


def test_the_spec_has_no_pusher_and_nothing_that_writes_to_the_registry(desk, pipelines):
    desk.submit()

    [job] = pipelines.jobs
    text = json.dumps(job["pipelineSpec"])
    tasks = job["pipelineSpec"]["root"]["dag"]["tasks"]
    assert {"Trainer", "Evaluator", "ServingCheck", "Baseline"} <= tasks.keys()
    assert "Pusher" not in text
    assert "vertex_pusher" not in text
    assert "pushed_model" not in text
    assert "InfraValidator" not in text


def test_the_job_has_a_name_and_a_root_that_no_delivery_has(desk, pipelines):
    submitted = desk.submit()

    [job] = pipelines.jobs
    root = job["runtimeConfig"]["gcsOutputDirectory"]
    assert submitted.run.startswith("x-dev-ana-cab-")
    assert job["name"].endswith(f"/{submitted.run}")
    assert job["pipelineSpec"]["pipelineInfo"]["name"] == "x-dev-ana-cab"
    assert root == "gs://mill-dev-dev-artifacts/pipelines/x-dev-ana-cab"


def test_the_job_s_labels_name_the_person_and_not_the_commit_of_a_delivery(desk, pipelines):
    desk.submit()

    [job] = pipelines.jobs
    labels = job["labels"]
    assert labels["experiment"] == "ana"
    assert labels["base"] == desk.base
    assert labels["model"] == "cab"
    assert labels["environment"] == "dev"
    assert labels["managed-by"] == "esteira"
    assert "commit" not in labels


def test_every_node_runs_in_the_image_that_the_record_names(desk, pipelines, warm):
    desk.submit()

    [job] = pipelines.jobs
    digest = record_object.read(warm).images.pipeline
    images = {each["container"]["image"] for each in executors(job) if "container" in each}
    assert images == {f"{warm.names.image('pipeline')}@{digest}"}


def test_it_is_compared_with_the_stage_s_last_blessed_model_and_is_nobody_s_bar(desk, pipelines):
    desk.submit()

    [job] = pipelines.jobs
    text = json.dumps(list(executors(job)))
    tasks = job["pipelineSpec"]["root"]["dag"]["tasks"]
    marker = tasks["Evaluator"]["inputs"]["parameters"]["pipeline"]
    assert 'metadata.pipeline.string_value=\\"dev-cab\\"' in text
    assert marker["runtimeValue"]["constant"] == "x-dev-ana-cab"


def test_two_runs_of_one_second_are_two(desk, pipelines):
    first, second = desk.submit(), desk.submit()

    assert first.run != second.run
    assert len(pipelines.jobs) == 2


def test_a_lost_answer_to_the_submission_makes_no_second_job(google, desk, pipelines):
    google.faults.append(Fault("POST", r"/pipelineJobs\?", LOST))

    desk.submit()

    assert google.faults == []
    assert len(pipelines.jobs) == 1


def test_what_no_image_holds_may_differ(desk, pipelines):
    for name in ("README.md", "environments.py", "docs/new.md", "tests/new.py", "infra/new.py"):
        desk.write(name, "changed\n")

    desk.submit()

    assert len(pipelines.jobs) == 1


@pytest.mark.parametrize(
    ("name", "way"),
    [
        ("pipeline/job/dag.py", "dirty"),
        ("pipeline/new.py", "dirty"),
        ("settings/names.py", "staged"),
        ("Pipfile.lock", "committed"),
        ("build/Dockerfile", "committed"),
        (".dockerignore", "staged"),
    ],
)
def test_a_tree_of_other_code_than_the_image_s_is_refused_and_leaves_nothing(
    desk, pipelines, warm, name, way
):
    desk.write(name, "changed\n")
    if way != "dirty":
        desk.repository.git("add", "--all")
    if way == "committed":
        desk.repository.git("commit", "--quiet", "--message=change")

    with pytest.raises(ConfigurationError, match=name) as refusal:
        desk.submit()

    assert f"dev's image was built from {desk.base[:12]}" in str(refusal.value)
    assert "git restore" in str(refusal.value)
    assert pipelines.jobs == []
    assert desk.kept_refs() == []
    assert list(warm.artifacts.list_blobs(prefix="modules/")) == []


def test_a_change_that_git_is_told_not_to_see_is_seen(desk):
    desk.repository.git("update-index", "--assume-unchanged", "pipeline/job/dag.py")
    desk.write("pipeline/job/dag.py", "nodes = 13\n")

    with pytest.raises(ConfigurationError, match=r"pipeline/job/dag\.py"):
        desk.submit()


def test_a_file_that_the_tree_lacks_is_named(desk):
    (desk.path / "settings/names.py").unlink()

    with pytest.raises(ConfigurationError, match=r"settings/names\.py"):
        desk.submit()


def test_a_clone_without_the_image_s_commit_is_told_how_to_get_it(desk, warm):
    edit_record(warm, commit="e" * 40)

    with pytest.raises(ConfigurationError, match="git fetch origin"):
        desk.submit()


def test_a_stage_without_an_image_is_told_how_to_get_one(desk, warm):
    edit_record(warm, commit=None, images=None)

    with pytest.raises(ConfigurationError, match="push --env dev"):
        desk.submit()


def test_a_model_outside_of_the_repository_is_refused(desk, cab, pipelines):
    outside = experiments.Desk(Repository(cab.parent / "other"), desk.stage, desk.base)
    new_experiment = experiment.begin(desk.stage, f"{cab}/", "ana")

    with pytest.raises(ConfigurationError, match="lies outside of"):
        experiment.submit(new_experiment, desk.path, lambda *_: None)

    assert pipelines.jobs == []
    assert outside.kept_refs() == []


def test_a_file_of_the_model_that_git_ignores_is_refused(desk, pipelines):
    desk.repository.git("rm", "--quiet", "--cached", "models/cab/model.py")
    desk.repository.commit({".gitignore": "model.py\n"})
    edit_record(desk.stage, commit=desk.repository.git("rev-parse", "HEAD"))

    with pytest.raises(ConfigurationError, match="git ignores files that train"):
        desk.submit()

    assert pipelines.jobs == []


def test_files_that_change_while_they_are_submitted_are_refused(desk, pipelines):
    def edit(node, state):
        if (node, state) == ("cab compile", "finished"):
            desk.edit_model()

    with pytest.raises(RunError, match="changed while they were submitted"):
        desk.submit(observer=edit)

    assert pipelines.jobs == []


def test_an_edit_before_the_files_are_kept_is_what_runs(desk, pipelines):
    file = desk.model / "model.toml"

    def edit(node, state):
        if (node, state) == ("cab check", "running"):
            text = file.read_text()
            file.write_text(text.replace("lower_bound = 0.51", "lower_bound = 0.51234"))

    run = desk.submit(observer=edit).run

    [job] = pipelines.jobs
    assert "0.51234" in json.dumps(job["pipelineSpec"])
    assert "0.51234" in desk.repository.git(
        "show", f"refs/esteira/runs/{run}:models/cab/model.toml"
    )


def test_a_file_that_git_keeps_otherwise_is_refused(desk, pipelines):
    desk.repository.git("config", "filter.short.clean", "sed 1d")
    desk.write(".gitattributes", "model.py filter=short\n")

    with pytest.raises(RunError, match=r"model\.py is not in git as it lies here"):
        desk.submit()

    assert pipelines.jobs == []


def test_files_over_the_limit_that_git_does_not_know_are_refused(desk, pipelines):
    (desk.path / "large.bin").write_bytes(b"x" * 20_000_001)

    with pytest.raises(ConfigurationError, match=r"large\.bin"):
        desk.submit()

    assert pipelines.jobs == []


def test_the_image_s_absence_from_the_registry_is_told_before_anything_is_kept(desk, warm):
    images = record_object.read(warm).images
    gone = replace(images, pipeline=f"sha256:{'9' * 64}")
    edit_record(warm, images=gone)

    with pytest.raises((ConfigurationError, RunError)):
        desk.submit()

    assert desk.kept_refs() == []


def test_a_colleague_gets_the_very_tree_from_the_bundle(desk, warm, tmp_path):
    desk.edit_model()
    desk.write("notes.txt", "not known to git\n")
    submitted = desk.submit()
    code = code_of(warm, submitted)
    bundle = tmp_path / "tree.bundle"
    blob = warm.artifacts.blob(f"reports/cab/{submitted.run}/tree.bundle")
    bundle.write_bytes(blob.download_as_bytes())
    clone = tmp_path / "colleague"
    desk.repository.git("clone", "--quiet", str(desk.path), str(clone))

    git(clone, "bundle", "verify", "--quiet", str(bundle))
    git(clone, "fetch", "--quiet", str(bundle), "refs/esteira/runs/*:refs/esteira/runs/*")

    tree = git(clone, "rev-parse", f"refs/esteira/runs/{submitted.run}^{{tree}}")
    assert tree == code["tree"]
    assert git(clone, "show", f"{tree}:notes.txt") == "not known to git"
    assert git(clone, "show", f"{tree}:models/cab/model.py").endswith("# tried")


def test_the_bundle_holds_only_what_lies_beyond_the_image_s_commit(desk, warm):
    desk.edit_model()

    submitted = desk.submit()

    blob = warm.artifacts.blob(f"reports/cab/{submitted.run}/tree.bundle")
    content = blob.download_as_bytes()
    header, _, _ = content.partition(b"\n\n")
    assert f"-{desk.base}".encode() in header


def test_a_clean_commit_that_was_pushed_nowhere_is_bundled_as_well(desk, warm):
    desk.edit_model()
    commit = desk.repository.commit({})

    submitted = desk.submit()

    blob = warm.artifacts.blob(f"reports/cab/{submitted.run}/tree.bundle")
    header, _, _ = blob.download_as_bytes().partition(b"\n\n")
    assert f"{commit} refs/esteira/runs/{submitted.run}".encode() in header


def test_a_clean_tree_of_the_image_s_commit_needs_no_bundle(desk, warm):
    submitted = desk.submit()

    names = {blob.name for blob in warm.artifacts.list_blobs(prefix="reports/")}
    assert names == {f"reports/cab/{submitted.run}/sources.json"}
    assert code_of(warm, submitted)["commit"] == desk.base
    assert desk.kept_refs() == []


def test_the_person_s_index_and_head_stay_as_they_are(desk):
    desk.edit_model()
    desk.write("staged.txt", "staged\n")
    desk.repository.git("add", "staged.txt")
    status = desk.repository.git("status", "--porcelain")

    submitted = desk.submit()

    assert desk.repository.git("status", "--porcelain") == status
    assert desk.repository.git("rev-parse", "HEAD") == desk.base
    assert submitted.untracked_files == []


def test_files_that_git_does_not_know_are_told_since_they_leave_the_machine(desk):
    desk.write("notes.txt", "mine\n")

    submitted = desk.submit()

    assert submitted.untracked_files == ["notes.txt"]


def code_of(stage, submitted):
    blob = stage.artifacts.blob(f"reports/cab/{submitted.run}/sources.json")
    return json.loads(blob.download_as_bytes())["code"]


def git(folder, *arguments):
    command = ["git", "-C", folder, *arguments]
    process = subprocess.run(command, capture_output=True, text=True)
    assert process.returncode == 0, process.stderr
    return process.stdout.strip()


def test_the_labels_by_which_a_delivery_looks_for_its_run_match_no_experiment(desk, pipelines):
    desk.submit()

    [job] = pipelines.jobs
    assert pipeline_jobs.EXPERIMENT in job["labels"]
    assert pipeline_jobs.matching(desk.stage, f'labels.commit="{desk.base}"') == []
