"""The files that an experiment runs: held to the stage's image, and kept."""

from pathlib import Path

from pipeline.delivery import git
from pipeline.delivery.route import route_of
from pipeline.errors import ConfigurationError, RunError
from pipeline.model.folder import ModelFolder
from pipeline.provenance import capture, kept_tree
from pipeline.provenance.facts import Code
from settings.values import listed


def checked(repository: Path, base: str, stage: str) -> str:
    """Git's hash of all files as they are.

    Raises ConfigurationError unless those that an image is made of are as in `base`, the commit of
    the stage's image. Models are not: a run reads its modules from the bucket.
    """
    if git.commit(repository, base) is None:
        raise ConfigurationError(
            f"{stage}'s image was built from {base[:12]}, which {repository} does not have, "
            "allowed is a clone with that commit: `git fetch origin` brings it"
        )
    kept_tree.untracked(repository)  # which refuses what is too large before git takes it in
    head = git.commit(repository, "HEAD")
    tree = kept_tree.current(repository, head)
    changes = git.changes(repository, base, tree)
    files = [change.path for change in changes if route_of([change], ()).image]
    if files:
        raise ConfigurationError(
            f"{stage}'s image was built from {base[:12]}, and outside of models/ these differ "
            f"from it: {listed(files)}; allowed is the image's own code: `git merge {base[:12]}` "
            f"brings what is newer there, `git restore --source={base[:12]} -- FILE` undoes a "
            f"change, `python3 -m pipeline push --env {stage}` makes an image of it"
        )
    return tree


def kept(repository: Path, folder: ModelFolder, run: str, tree: str) -> Code:
    """Keep the files under the run's ref; they are those of `tree`, which was checked.

    Raises ConfigurationError where git can't keep them, and RunError where one has changed.
    """
    code = capture.code(repository, folder, run)
    if reason := code.reason or code.not_kept:
        raise ConfigurationError(f"{run}: its files can't be kept, as a run's must be: {reason}")
    if code.tree != tree:
        raise RunError(f"files of {repository} changed while they were submitted: run it again")
    for file in ModelFolder.FILES:
        _check_kept(repository, folder, file, tree)
    return code


def _check_kept(repository: Path, folder: ModelFolder, file: str, tree: str) -> None:
    """Raise unless the model's file is in the tree as it is."""
    path = folder.path / file
    place = path.relative_to(repository.resolve()).as_posix()
    kept_text = git.content(repository, tree, place).replace("\r\n", "\n")
    if kept_text.encode("utf-8", "surrogateescape") != folder.content(file):
        raise RunError(
            f"{path} is not in git as it lies here: it has changed, or .gitattributes filters it; "
            "allowed is a file that git keeps as it is"
        )
