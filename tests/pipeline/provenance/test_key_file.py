"""A private key that is not kept well is refused before anything is trained."""

import os
import re

import pytest

from pipeline.errors import ConfigurationError
from pipeline.provenance import key_file
from settings import REPOSITORY
from tests.pipeline.provenance.keys import (
    KINDS,
    OTHER_KINDS,
    openssl,
    private_key,
    public_key,
)


@pytest.fixture
def file(tmp_path):
    return private_key(tmp_path / "key.pem", *KINDS["Ed25519"])


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o601])
def test_a_key_that_others_may_use_is_refused(file, mode):
    file.chmod(mode)

    with pytest.raises(ConfigurationError, match=rf"mode {mode:o}\): allowed is 600"):
        key_file.private(file, "--signing-key")


def test_a_key_in_the_repository_is_refused_before_it_is_read():
    with pytest.raises(ConfigurationError, match="in the repository: allowed is a file outside"):
        key_file.private(REPOSITORY / "no-such-key.pem", "--signing-key")


def test_a_link_out_of_the_repository_s_sight_is_followed(tmp_path):
    link = tmp_path / "key.pem"
    link.symlink_to(REPOSITORY / "key.pem")

    with pytest.raises(ConfigurationError, match="in the repository"):
        key_file.private(link, "--signing-key")


@pytest.mark.parametrize("kind", OTHER_KINDS)
def test_a_key_of_another_kind_is_refused(tmp_path, kind):
    file = private_key(tmp_path / "key.pem", *OTHER_KINDS[kind])

    with pytest.raises(ConfigurationError, match="allowed is an Ed25519 key or an ECDSA key on P"):
        key_file.private(file, "--signing-key")


def test_a_key_with_a_password_is_refused(file, tmp_path):
    locked_file = tmp_path / "locked.pem"
    openssl("pkey", "-in", file, "-aes256", "-passout", "pass:word", "-out", locked_file)
    locked_file.chmod(0o600)

    with pytest.raises(ConfigurationError, match="has a password: allowed is a key without one"):
        key_file.private(locked_file, "--signing-key")


@pytest.mark.parametrize("content", [b"", b"words", b"\0" * 100_000])
def test_another_file_is_no_key(file, content):
    file.write_bytes(content)

    with pytest.raises(
        ConfigurationError, match=r"--signing-key is .*, (which is no|allowed is a)"
    ):
        key_file.private(file, "--signing-key")


def test_a_public_key_is_no_private_one(file):
    public_file = public_key(file)
    public_file.chmod(0o600)

    with pytest.raises(ConfigurationError, match="which is no private key in PEM"):
        key_file.private(public_file, "--signing-key")


def test_a_private_key_is_no_public_one(file):
    with pytest.raises(ConfigurationError, match="no public key in PEM, allowed is an Ed25519"):
        key_file.public(file, "--public-key")


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo, str], ids=str)
def test_a_folder_a_pipe_and_nothing_are_refused_at_once(tmp_path, make):
    path = tmp_path / "place"
    make(path)

    with pytest.raises(ConfigurationError, match=re.escape(f"--signing-key is {path}, ")):
        key_file.private(path, "--signing-key")
