"""Who may do what with a stage's signing key, and with what it has signed."""

import dataclasses

import pytest

from environments import DEV, ENVIRONMENTS, STAGING
from infra.doctor.calls import CREATE, GET, ON_KEY, REPORT
from tests.infra.conftest import synthesize
from tests.infra.stacks.iam import Place, is_allowed

KEY = "projects/mill-dev/locations/global/keyRings/models/cryptoKeys/provenance"
SIGNING = dataclasses.replace(DEV, signing_key=f"{KEY}/cryptoKeyVersions/1")
USE, VIEW = "cloudkms.cryptoKeyVersions.useToSign", "cloudkms.cryptoKeyVersions.viewPublicKey"
GRANT = "google_kms_crypto_key_iam_member"


@pytest.fixture(scope="module")
def stacks(tmp_path_factory):
    return synthesize(tmp_path_factory.mktemp("signing"), {"dev": SIGNING, "staging": STAGING})


def held(stacks, settings, account):
    member = settings.names.member(account)
    place = Place(KEY)
    return [verb for verb in (USE, VIEW) if is_allowed(stacks, SIGNING, member, verb, place)]


def test_the_builder_signs_and_verifies(stacks):
    assert held(stacks, SIGNING, "builder") == [USE, VIEW]


def test_the_doctor_asks_for_what_the_builder_needs(stacks):
    permissions = [permission for permission, _ in ON_KEY["builder"]]

    assert held(stacks, SIGNING, "builder") == permissions


@pytest.mark.parametrize("account", ["pipeline", "server", "monitor", "planner", "deployer"])
def test_nobody_else_of_the_stage_signs(stacks, account):
    assert held(stacks, SIGNING, account) == []


def test_the_next_stage_s_builder_verifies_and_does_not_sign(stacks):
    assert held(stacks, STAGING, "builder") == [VIEW]


def test_the_next_stage_s_builder_reads_the_statements_and_writes_none(stacks):
    member = STAGING.names.member("builder")
    report = Place(SIGNING.names.bucket("artifacts"), REPORT)

    assert is_allowed(stacks, SIGNING, member, GET, report)
    assert not is_allowed(stacks, SIGNING, member, CREATE, report)


def test_the_deployer_may_grant_the_key_and_cannot_destroy_it(stacks):
    [grant] = stacks.of("bootstrap-dev", GRANT)
    roles = stacks.by_id("bootstrap-dev", "google_project_iam_custom_role")

    assert grant.crypto_key_id == KEY
    assert grant.role == "${google_project_iam_custom_role.Keeper.name}"
    assert roles["Keeper"].permissions == [
        "cloudkms.cryptoKeys.getIamPolicy",
        "cloudkms.cryptoKeys.setIamPolicy",
    ]


def test_nothing_makes_a_key(stacks):
    types = {type_ for stack in stacks.stacks for type_ in stacks.types(stack)}

    assert {type_ for type_ in types if type_.startswith("google_kms_")} == {GRANT}


def test_cloud_kms_is_switched_on_before_the_key_is_granted(stacks):
    services = {service.service for service in stacks.of("bootstrap-dev", "google_project_service")}

    assert "cloudkms.googleapis.com" in services


def test_a_stage_without_a_signing_key_has_nothing_of_it(synthesized):
    for stack in synthesized.stacks:
        assert GRANT not in synthesized.types(stack)
    assert all(settings.signing_key is None for settings in ENVIRONMENTS.values())
