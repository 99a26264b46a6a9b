"""The doctor reads every page of a listing before it calls something missing."""

from tests.infra.doctor.conftest import Capture, Machine, diagnosed


def test_google_s_listings_may_begin_with_an_empty_page(here: Machine, capsys: Capture) -> None:
    here.google.begin_listings_empty()

    code, findings = diagnosed(capsys, "dev")

    assert findings["APIs"].state == "ok"
    assert findings["GitHub token"].state == "ok"
    assert code == 0


def test_an_app_on_a_later_page_of_github_s_is_found(here: Machine, capsys: Capture) -> None:
    path = "/github/orgs/mill/installations"
    other_apps = [{"id": number, "app_slug": "other"} for number in range(100)]
    here.answers[path] = {"installations": other_apps}
    own_app = {"id": 4711, "app_slug": "google-cloud-build"}
    here.answers[f"{path}?per_page=100&page=2"] = {"installations": [own_app]}

    _, findings = diagnosed(capsys, "dev")

    assert findings["GitHub app"].detail == "4711, not connected yet"
