"""The import of TensorFlow and what stands on it, which takes most of a short run."""

import contextlib
import gc
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

from pipeline.progress import everything_else_to


def load() -> None:
    """Import what greets on standard error, in C++ and before anyone can tell it not to, with its greeting left out.

    Without Python's collector, which would walk all that is imported again and again, a quarter of the time. Frozen, so that the imports after it are
    not walked with the rest; spared_work thaws it when a run's nodes are done.
    """
    gc.disable()
    try:
        with everything_else_to(Path(os.devnull)):
            import tensorflow_data_validation  # noqa: F401
        gc.freeze()
    finally:
        gc.enable()


@contextlib.contextmanager
def spared_work() -> Iterator[None]:
    """Run Beam in this process, and spare it and Python's collector some work.

    The collector would walk the imported libraries again and again, and Beam read each DoFn's signatures
    seven times (15 % of a run).
    """
    thresholds = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(100_000, 20, 20)
    from apache_beam.transforms import userstate

    read, known = userstate.get_dofn_specs, {}

    def get_dofn_specs(do_fn: Any) -> Any:
        if id(do_fn) not in known:
            known[id(do_fn)] = (do_fn, read(do_fn))  # kept beside its specs, so that no other can take its id
        return known[id(do_fn)][1]

    try:
        with mock.patch.object(userstate, "get_dofn_specs", get_dofn_specs), in_this_process():
            yield
    finally:
        gc.set_threshold(*thresholds)
        gc.unfreeze()


@contextlib.contextmanager
def in_this_process() -> Iterator[None]:
    """Have Beam's DirectRunner take FnApiRunner outright.

    It first tries PrismRunner, a program that it downloads, and falls back in silence where it can't: a
    machine with a network would run another engine than one without. An argument of Beam's would name the
    runner as well, but any argument makes TFX pack its own source. It goes when Beam has an option that
    is read from elsewhere.
    """
    from apache_beam.portability.api import beam_provision_api_pb2
    from apache_beam.runners.direct import direct_runner
    from apache_beam.runners.portability.fn_api_runner import fn_runner
    from apache_beam.runners.portability.portable_runner import JobServiceHandle

    def run_pipeline(_: Any, pipeline: Any, options: Any) -> Any:
        encoded = JobServiceHandle.encode_pipeline_options(options.get_all_options())
        provision = beam_provision_api_pb2.ProvisionInfo(pipeline_options=encoded)
        runner = fn_runner.FnApiRunner(provision_info=fn_runner.ExtendedProvisionInfo(provision))
        return runner.run_pipeline(pipeline, options)

    with mock.patch.object(direct_runner.SwitchingDirectRunner, "run_pipeline", run_pipeline):
        yield
