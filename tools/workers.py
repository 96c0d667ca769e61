"""Run jobs on Dask, in processes of this machine or on any cluster (for `tools.notebooks` and `sweep`)."""

import contextlib
import importlib.util
import logging
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from tqdm import tqdm

GIGABYTE = 1000**3
KILLED = "the process that ran it was killed: out of memory?"


class Done(NamedTuple):
    """What a job returned, `KILLED` if its process died of it, and how long it took."""

    answer: Any
    seconds: float


@contextlib.contextmanager
def cluster(scheduler: str = "", *, most: int | None = None, deaths: int = 0) -> Iterator[Any]:
    """Yield a client of the scheduler at an address, or of new processes of this machine.

    Each process does one job at a time. A job is given up when ``deaths`` + 1 processes have died of it.
    OSError if no scheduler answers, or it has no workers.
    """
    import dask
    from distributed import Client, LocalCluster

    # Processes that are ended leave semaphores to a tracker of Python's own, which would tell the reader.
    os.environ.setdefault("PYTHONWARNINGS", "ignore::UserWarning:multiprocessing.resource_tracker")

    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # of workers that were killed, and the like
    options = {
        "distributed.scheduler.allowed-failures": deaths,
        "distributed.admin.log-format": "%(message)s",
    }
    with dask.config.set(options), contextlib.ExitStack() as stack:
        if scheduler:
            from s2s_lib.streams import connect  # brings Keras along: only where it is wanted

            client = stack.enter_context(connect(scheduler))
        else:
            has_page = importlib.util.find_spec("bokeh") is not None
            local = LocalCluster(
                n_workers=min(most or sys.maxsize, size_of_machine()),
                threads_per_worker=1,  # papermill changes the folder of its process
                host="127.0.0.1",
                dashboard_address="127.0.0.1:0" if has_page else None,
                memory_limit=None,
                silence_logs=logging.CRITICAL,
            )
            client = stack.enter_context(Client(stack.enter_context(local), set_as_default=False))
        if client.dashboard_link and (scheduler or has_page):
            print(f"Watch it at {client.dashboard_link}", file=sys.stderr)
        yield client


def size_of_machine() -> int:
    """Return how many notebooks this machine can run at once: one a processor, 2 GB of memory for each."""
    import psutil

    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(processors, psutil.virtual_memory().total // (2 * GIGABYTE)))


def run_jobs(
    client: Any,
    function: Callable[..., Any],
    jobs: Mapping[str, tuple[Any, ...]],
    *,
    ready: Callable[[str, Mapping[str, Done]], bool] = lambda name, done: True,
    unit: str = "notebook",
) -> Iterator[tuple[str, Done]]:
    """Yield each job's name and what became of it, as it ends, behind a progress bar.

    The first jobs come first. ``ready(name, done)`` tells if a job may begin; ValueError if no job that is
    left may. An exception of ``function`` is its answer. Jobs that are under way when the caller stops, by
    Ctrl-C say, are given up.
    """
    from distributed import as_completed

    waiting, done, running = dict(jobs), dict[str, Done](), dict[Any, tuple[str, float]]()
    ended = as_completed(loop=client.loop)
    room = sum(client.nthreads().values())
    environment = dict(os.environ)
    with tqdm(total=len(jobs), unit=unit, file=sys.stderr, dynamic_ncols=True) as bar:
        try:
            while len(done) < len(jobs):
                while waiting and len(running) < room:
                    name = next((name for name in waiting if ready(name, done)), None)
                    if name is None:
                        break
                    job = client.submit(_work, environment, function, waiting.pop(name), pure=False)
                    running[job] = name, time.monotonic()
                    ended.add(job)
                if not running:
                    raise ValueError(f"none of these may begin: {', '.join(waiting)}")
                bar.set_description(", ".join(sorted(name for name, _ in running.values())))
                job = next(ended)
                name, begun = running.pop(job)
                done[name] = Done(_answer(job), time.monotonic() - begun)
                bar.update()
                yield name, done[name]
            bar.set_description("done")
        finally:
            client.cancel(list(running))


def _work(environment: Mapping[str, str], function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    os.environ |= environment  # a worker elsewhere has its own
    return function(*arguments)


def _answer(job: Any) -> Any:
    """Return what a job returned, the exception that it raised, or `KILLED`."""
    from distributed.scheduler import KilledWorker

    if job.status == "finished":
        return job.result()
    error = job.exception()
    return KILLED if isinstance(error, KilledWorker) else error
