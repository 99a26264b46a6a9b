"""A verb's --help answers at once: it imports neither TensorFlow nor TFX."""

import json
import os
import subprocess
import sys

from pipeline.__main__ import VERBS
from settings import REPOSITORY

# Asks each verb, in one process, and prints what it says and the heavy modules that came with it.
PROGRAM = """
import contextlib, io, json, sys
from pipeline.__main__ import VERBS, main
output = io.StringIO()
for verb in VERBS:
    with contextlib.redirect_stdout(output), contextlib.suppress(SystemExit):
        main([verb, "--help"])
heavy = {"tensorflow", "tfx", "apache_beam"} & set(sys.modules)
print(json.dumps({"help": output.getvalue(), "heavy": sorted(heavy)}))
"""


def test_help_of_every_verb_imports_nothing_heavy():
    variables = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    command = [sys.executable, "-c", PROGRAM]
    process = subprocess.run(command, env=variables, capture_output=True, text=True, check=True)

    answer = json.loads(process.stdout)
    lines = answer["help"].splitlines()
    usages = [line for line in lines if line.startswith("usage:")]
    verbs = [usage.split()[4] for usage in usages]
    assert verbs == list(VERBS)
    assert answer["heavy"] == []
