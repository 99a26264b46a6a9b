"""The entrypoint of a compiled job's containers.

It is TFX's own, with what a run here does at its start.
"""

from pipeline.job import startup, tfx_patches

COMMAND = ["python", "-m", "pipeline.job.entrypoint"]


def main() -> None:
    startup.load()
    tfx_patches.name_artifact_types()
    with startup.reduced_garbage_collection(), tfx_patches.beam():
        tfx_patches.run_container()


if __name__ == "__main__":
    main()
