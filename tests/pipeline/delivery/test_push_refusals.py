"""An invalid push starts no build, and one sentence says why."""

import pytest

from pipeline.delivery import record_object
from pipeline.delivery.record import EMPTY
from pipeline.errors import ConfigurationError, RunError
from tests.pipeline.delivery.conftest import BEGIN, builds
from tests.pipeline.delivery.pushed_commits import RUNS, push, pushed
from tests.standins.google.faults import Fault


@pytest.mark.parametrize(("flag", "value"), [("--models", "cab"), ("--commit", "a" * 40)])
def test_what_only_a_promotion_takes_is_not_silently_ignored(cli, flag, value):
    result = cli("push", "--env", "dev", flag, value)

    assert result.code == 2
    assert f"{flag} is '{value}', allowed with" in result.sentence


@pytest.mark.parametrize(
    ("answer", "says"),
    [(403, "Google refuses it"), (404, "is not there in mill-dev"), (409, "Google answered 409")],
)
def test_a_refused_push_names_the_trigger_starts_nothing_and_leaves_the_record_as_it_was(
    main, cloud, dev, answer, says
):
    pushed(main, BEGIN)
    fault = Fault("POST", RUNS, answer)
    cloud.faults.append(fault)

    with pytest.raises(RunError, match=f"the trigger dev-image.*{says}"):
        push(main)

    assert builds(cloud) == []
    assert record_object.read(dev) == EMPTY


def test_a_missing_trigger_is_named_with_what_tells_more(main, google, blob):
    pushed(main, BEGIN)
    message = r"there is no trigger dev-image in mill-dev: .*`make doctor env=dev`"

    with pytest.raises(RunError, match=message):
        push(main)


def test_missing_credentials_are_told_with_what_gets_them(main, blob, monkeypatch, tmp_path):
    pushed(main, BEGIN)
    missing_file = str(tmp_path / "gone.json")
    monkeypatch.delenv("GOOGLE_CLOUD_BUILD_CUSTOM_ENDPOINT", raising=False)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", missing_file)
    message = r"there are no valid Google credentials: run `gcloud auth application-default login`"

    with pytest.raises(RunError, match=message):
        push(main)


def test_a_tree_with_changes_is_refused(main, cloud):
    pushed(main, BEGIN)
    edited_file = main.path / "README.md"
    edited_file.write_text("edited")
    new_file = main.path / "new.txt"
    new_file.write_text("")

    with pytest.raises(ConfigurationError, match=r"README.md is not committed \(and 1 more\)"):
        push(main)
    assert builds(cloud) == []


def test_a_commit_that_was_not_pushed_is_refused(main, cloud):
    pushed(main, BEGIN)
    main.commit({"README.md": "edited"})
    message = "which is not on origin/main: merge and `git push` it"

    with pytest.raises(ConfigurationError, match=message):
        push(main)
    assert builds(cloud) == []


def test_a_commit_of_another_branch_is_refused(main, cloud):
    pushed(main, BEGIN)
    main.git("checkout", "--quiet", "-b", "other")
    main.commit({"README.md": "edited"})
    main.git("push", "--quiet", "origin", "other")

    with pytest.raises(ConfigurationError, match="which is not on origin/main"):
        push(main)


def test_a_clone_that_has_never_seen_main_says_how_to_see_it(repository, cloud):
    repository.commit(BEGIN)

    with pytest.raises(RunError, match="knows no origin/main: `git fetch origin main` brings it"):
        push(repository)


def test_an_unknown_commit_and_another_stage_are_refused(main, cloud, cli):
    pushed(main, BEGIN)

    with pytest.raises(ConfigurationError, match="--head is 'nosuch', allowed is a commit"):
        push(main, "nosuch")

    result = cli("push", "--env", "prod")

    assert result.code == 2
    assert "--env is 'prod', which gets what passed in staging" in result.sentence

    result = cli("push", "--env", "nosuch")

    says = "python -m pipeline push: --env is 'nosuch', allowed are dev, staging, prod"
    assert result.code == 2
    assert result.sentence == says
