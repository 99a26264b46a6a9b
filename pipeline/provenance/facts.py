"""What made a run, as its summary.json and its provenance.json say it.

`Code` and `Environment` are captured before the first node and compared after the last. `Training`
is noted by the Trainer's node on the model, so that a run which takes the model from the cache says
what made it.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Code:
    """The files of the checkout that ran.

    `commit` is HEAD's hash, or "unknown" with its `reason`. `tree` is git's hash of all files as
    they ran; `kept` names the ref that holds them where they differ from the commit's.
    """

    commit: str
    reason: str | None = None
    repository: str | None = None  # its address, without credentials
    tree: str | None = None
    kept: str | None = None  # refs/esteira/runs/<run>
    not_kept: str | None = None  # why git has not all that trains
    changed_files: list[str] | None = None  # None where nobody knows, as of untracked_files
    untracked_files: list[str] | None = None
    files: dict[str, str] = field(default_factory=dict)  # path -> SHA-256, of those that train
    changed_during_run: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Environment:
    python: str
    pipfile_lock_sha256: str  # of the Pipfile, as Pipfile.lock has it
    packages: dict[str, str]  # name -> version, of those that decide what a model is
    image: str | None = None  # the pipeline image by digest; None on a machine
    beam_runner: str = "FnApiRunner"


@dataclass(frozen=True, kw_only=True)
class Training:
    """The process that trained a model."""

    run: str  # that trained it, which a cached model's run is not
    digest: str  # of the model's files, by its manifest
    seed: int
    deterministic_operations: bool
    cpu: str  # its name
    cpus: int  # that the process may use
    threads: dict[str, int]  # intra_op, inter_op
    flags: dict[str, str]  # of the environment that decide what is computed
