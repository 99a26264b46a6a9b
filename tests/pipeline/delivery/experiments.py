"""A clone that holds a model beside the code of dev's image, and its experiments."""

from dataclasses import dataclass
from pathlib import Path

from pipeline.gcp.stage import Stage
from pipeline.submission import experiment
from pipeline.submission.experiment import Submitted
from pipeline.submission.watch import Verdict, watch
from tests.pipeline.conftest import copy_small
from tests.pipeline.delivery.conftest import Repository, edit_record, put_images
from tests.standins.google.apis import GoogleApis

CODE: dict[str, str | None] = {
    "pipeline/job/dag.py": "nodes = 12\n",
    "settings/names.py": "names\n",
    "Pipfile.lock": "{}\n",
    "build/Dockerfile": "FROM scratch\n",
    "README.md": "read me\n",
    "environments.py": "stages\n",
    ".gitignore": "ignored*\n",
}


@dataclass
class Desk:
    """A person's clone; dev's image is of its first commit."""

    repository: Repository
    stage: Stage
    base: str

    @property
    def path(self) -> Path:
        return self.repository.path

    @property
    def model(self) -> Path:
        return self.path / "models/cab"

    def write(self, name: str, text: str) -> None:
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def edit_model(self) -> None:
        """Have the model's module differ from what is committed."""
        with (self.model / "model.py").open("a") as file:
            file.write("\n# tried\n")

    def submit(self, user: str = "ana", observer=lambda *_: None) -> Submitted:
        new_experiment = experiment.begin(self.stage, f"{self.model}/", user)
        return experiment.submit(new_experiment, self.path, observer)

    def watch(self, run: str, observer=lambda *_: None) -> Verdict:
        return watch(self.stage, run, observer)

    def kept_refs(self) -> list[str]:
        return self.repository.git("for-each-ref", "refs/esteira").splitlines()


def desk(google: GoogleApis, repository: Repository, stage: Stage) -> Desk:
    repository.git("config", "user.email", "ana@mill.example")
    copy_small("cab", repository.path / "models")
    base = repository.commit(CODE)
    images = put_images(google, base, "image-of-base")
    edit_record(stage, commit=base, images=images)
    return Desk(repository, stage, base)
