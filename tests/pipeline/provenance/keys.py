"""Private keys in files of a test, made by openssl as docs/provenance.md says."""

import subprocess
from pathlib import Path

KINDS = {
    "Ed25519": ("-algorithm", "ed25519"),
    "P-256": ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"),
}
OTHER_KINDS = {
    "P-384": ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"),
    "RSA": ("-algorithm", "RSA"),
}


def private_key(file: Path, *arguments: str) -> Path:
    openssl("genpkey", *arguments, "-out", file)
    file.chmod(0o600)
    return file


def public_key(private_file: Path) -> Path:
    file = private_file.with_suffix(".pub")
    openssl("pkey", "-in", private_file, "-pubout", "-out", file)
    return file


def openssl(*arguments: object) -> str:
    command = ["openssl", *map(str, arguments)]
    process = subprocess.run(command, capture_output=True, text=True)
    assert process.returncode == 0, process.stderr
    return process.stdout
