"""A run's statement: what in-toto's and SLSA's definitions demand, and what was true of the run."""

import hashlib
import json
import subprocess

import pytest

from pipeline.provenance import statement
from settings import REPOSITORY

RUN = "20260102-000000-cab-111111"
DIGEST, COMMIT, TREE = "a" * 64, "c" * 40, "e" * 40
IMAGE = "us-central1-docker.pkg.dev/p/r/pipeline@sha256:" + "1" * 64
TEXTS = {"summary.json": "{}\n", "report.html": "<html>\n"}
# in-toto-attestation is in the dev venv: a statement is made without it.
VALIDATE = """
import json, sys
from google.protobuf import json_format
from in_toto_attestation.predicates.provenance.v1 import provenance_pb2
from in_toto_attestation.v1.statement import Statement
from in_toto_attestation.v1 import statement_pb2
from in_toto_attestation.v1.resource_descriptor import ResourceDescriptor

content = json.load(sys.stdin)
proto = json_format.ParseDict(content, statement_pb2.Statement())
Statement.copy_from_pb(proto).validate()
provenance = json_format.ParseDict(content["predicate"], provenance_pb2.Provenance())
definition, details = provenance.build_definition, provenance.run_details
for descriptor in [*definition.resolved_dependencies, *details.byproducts]:
    ResourceDescriptor.copy_from_pb(descriptor).validate()
assert definition.build_type and definition.external_parameters and details.builder.id
"""


def composed(summary):
    return statement.compose(summary, TEXTS)


def dependencies(summary):
    """The digests by name, and the addresses."""
    descriptors = composed(summary)["predicate"]["buildDefinition"]["resolvedDependencies"]
    return {descriptor["name"]: descriptor["digest"] for descriptor in descriptors}


def change(summary, record, **fields):
    summary["records"][record] |= fields


def test_a_statement_is_about_the_model_by_its_digest(summary):
    content = composed(summary)

    [subject] = content["subject"]
    assert content["_type"] == "https://in-toto.io/Statement/v1"
    assert content["predicateType"] == "https://slsa.dev/provenance/v1"
    assert subject == {"name": f"cab/{RUN}", "digest": {"sha256": DIGEST}}


def test_a_statement_names_what_a_person_chose_apart_from_what_the_run_did(summary):
    definition = composed(summary)["predicate"]["buildDefinition"]

    assert definition["externalParameters"] == {"model": "cab", "until": None, "tune": False}
    assert definition["internalParameters"] == {
        "hyperparameters": {"units": 8},
        "seed": 7,
        "deterministicOperations": True,
        "threads": {"intra_op": 0, "inter_op": 0},
        "flags": {"PYTHONHASHSEED": "0"},
        "cpu": "a processor",
        "cpus": 2,
        "runner": "FnApiRunner",
        "python": "3.13.5",
        "packages": {"tfx": "1.21.0"},
    }


def test_a_job_s_statement_names_the_end_of_its_rows(summary):
    summary["records"]["parameters"] = {"tune": False}
    change(summary, "data", window={"begin": "2025-12-01", "end": "2026-01-01"})

    definition = composed(summary)["predicate"]["buildDefinition"]

    expected = {"model": "cab", "until": "2026-01-01", "tune": False}
    assert definition["externalParameters"] == expected


def test_a_statement_names_data_commit_image_and_lock_by_their_digests(summary):
    change(summary, "environment", image=IMAGE)

    assert dependencies(summary) == {
        "data": {"sha256": "3" * 64},
        "rows": {"sumOfSha256": "d" * 64},
        "commit": {"gitCommit": COMMIT},
        "us-central1-docker.pkg.dev/p/r/pipeline": {"sha256": "1" * 64},
        "Pipfile.lock": {"sha256": "b" * 64},
    }


def test_a_commit_is_named_with_its_repository(summary):
    definition = composed(summary)["predicate"]["buildDefinition"]

    uris = [d["uri"] for d in definition["resolvedDependencies"] if "uri" in d]
    assert uris == [f"git+https://github.com/mill/loom@{COMMIT}"]


def test_a_dirty_tree_is_named_beside_the_commit(summary):
    ref = f"refs/esteira/runs/{RUN}"
    change(summary, "code", kept=ref, changed_files=["models/cab/model.py"])

    assert dependencies(summary)[ref] == {"gitTree": TREE}
    assert dependencies(summary)["commit"] == {"gitCommit": COMMIT}


@pytest.mark.parametrize(
    "fields",
    [
        {"commit": "unknown", "reason": "no git", "repository": None},
        {"changed_files": ["models/cab/model.py"], "not_kept": "a full disk"},
        {"untracked_files": ["pipeline/job/new.py"]},
        {"not_kept": "the model's folder lies outside"},
        {"changed_files": None},
        {"kept": f"refs/esteira/runs/{RUN}", "not_kept": "git ignores models/cab/words.txt"},
    ],
    ids=["no git", "not kept", "untracked", "outside", "unknown", "ignored"],
)
def test_files_that_git_has_not_are_named_one_by_one(summary, fields):
    change(summary, "code", **fields)

    digests = dependencies(summary)

    assert digests["models/cab/model.py"] == {"sha256": "7" * 64}
    assert ("commit" in digests) is ("commit" not in fields)


def test_times_are_rfc_3339_in_utc(summary):
    metadata = composed(summary)["predicate"]["runDetails"]["metadata"]

    assert metadata == {
        "invocationId": RUN,
        "startedOn": "2026-01-02T00:00:00Z",
        "finishedOn": "2026-01-02T00:01:01Z",
    }


def test_what_a_run_leaves_is_named_by_its_digest(summary):
    byproducts = composed(summary)["predicate"]["runDetails"]["byproducts"]

    *files, evaluation = byproducts
    digests = {file["name"]: file["digest"]["sha256"] for file in files}
    expected = {name: hashlib.sha256(text.encode()).hexdigest() for name, text in TEXTS.items()}
    assert digests == expected
    assert evaluation["annotations"] == {"metrics": {"auc": 0.8125}, "blessed": True}


def test_a_cached_model_s_statement_names_the_run_that_made_it_and_nothing_of_this_one(summary):
    maker = "20251231-000000-cab-000000"
    change(summary, "training", run=maker)

    content = composed(summary)

    [subject] = content["subject"]
    details = content["predicate"]["runDetails"]
    assert subject["name"] == f"cab/{maker}"
    assert details["metadata"] == {"invocationId": maker}
    assert "byproducts" not in details
    assert dependencies(summary).keys() == {"data", "rows"}


@pytest.mark.parametrize("training", [None, {"seed": 7}], ids=["no model", "from before"])
def test_a_run_without_a_model_states_nothing(summary, training):
    summary["records"]["training"] = training

    assert composed(summary) is None


VARIANTS = {
    "clean": {},
    "vertex": {"environment": {"image": IMAGE}},
    "cached": {"training": {"run": "20251231-000000-cab-000000"}},
    "no git": {"code": {"commit": "unknown", "repository": None}},
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_statement_is_valid_by_in_toto_s_and_slsa_s_published_definitions(summary, variant):
    """Their protobuf definitions, as in-toto-attestation carries them."""
    for record, fields in VARIANTS[variant].items():
        change(summary, record, **fields)
    text = statement.encode(composed(summary))
    command = ["build/environment", "dev", "python", "-c", VALIDATE]

    process = subprocess.run(command, input=text, capture_output=True, text=True, cwd=REPOSITORY)

    assert process.stderr == ""
    assert process.returncode == 0


@pytest.mark.parametrize(
    "field", ["_type", "subject", "predicateType", "predicate"], ids=lambda field: field
)
def test_the_definitions_refuse_a_statement_that_lacks_a_field(summary, field):
    content = composed(summary)
    del content[field]
    command = ["build/environment", "dev", "python", "-c", VALIDATE]

    process = subprocess.run(
        command, input=json.dumps(content), capture_output=True, text=True, cwd=REPOSITORY
    )

    assert process.returncode != 0
