"""The entrypoint of a compiled job's containers: TFX's own, without the work that a run here is spared too."""

from absl import app

from pipeline import libraries

COMMAND = ["python", "-m", "pipeline.container"]


def main() -> None:
    libraries.load()
    with libraries.spared_work():
        from tfx.orchestration.kubeflow.v2.container import kubeflow_v2_run_executor as tfx_container

        # TFX counts the program's name among Beam's arguments, of which any makes each Beam node pack TFX's source: until it does not
        app.run(tfx_container.main, flags_parser=lambda argv: tfx_container._parse_flags(argv[1:]))


if __name__ == "__main__":
    main()
