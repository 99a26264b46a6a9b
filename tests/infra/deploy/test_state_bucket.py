"""The error about somebody else's bucket is one sentence with its name and the way out."""

import json
import os

import pytest

from infra.deploy import terraform
from infra.deploy.terraform import Stack, TerraformError

# as Terraform 1.11 prints them, of an account without a role and of a taken name
NOT_LET_IN = """
Error: Failed to get existing workspaces: querying Cloud Storage failed: googleapi: Error 403:
ada@mill.org does not have storage.objects.list access to the Google Cloud Storage bucket.
""".replace("403:\n", "403: ")
TAKEN = """
Error: googleapi: Error 409: The requested bucket name is not available. The bucket namespace is \
shared by all users of the system. Please select a different name and try again., conflict

  with google_storage_bucket.State_Resource_1,
  on cdk.tf.json line 7, in resource.google_storage_bucket.State_Resource_1:
"""
STACK = {
    "terraform": {"backend": {"gcs": {"bucket": "mill-dev-state", "prefix": "bootstrap"}}},
    "resource": {"google_storage_bucket": {"State_Resource_1": {"name": "mill-dev-own"}}},
}


@pytest.fixture
def stack(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setattr(terraform, "need_state_server", lambda: None)
    (tmp_path / "cdk.tf.json").write_text(json.dumps(STACK))
    return Stack("bootstrap-dev", tmp_path)


@pytest.mark.parametrize(
    ("message", "bucket"), [(NOT_LET_IN, "gs://mill-dev-state"), (TAKEN, "gs://mill-dev-own")]
)
def test_a_bucket_of_somebody_else_is_named_with_the_way_out(stack, message, bucket):
    program = stack.folder / "terraform"
    program.write_text(f"#!/bin/sh\ncat >&2 <<'END'\n{message}\nEND\nexit 1\n")
    program.chmod(0o755)

    with pytest.raises(TerraformError) as refusal:
        stack.init()

    sentence = str(refusal.value)
    assert sentence.startswith("bootstrap-dev: ")
    assert bucket in sentence
    assert "change project_id or stage in environments.py" in sentence
    assert refusal.value.output == ""
