"""Run jobs in a few processes, each doing one job after another (used by `tools.notebooks`)."""

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from multiprocessing import connection
from typing import Any, NamedTuple

from tqdm import tqdm

PROCESSES = multiprocessing.get_context("spawn")  # the same on every system


KILLED = "the process that ran it was killed: out of memory?"


class Done(NamedTuple):
    """What a job returned, `KILLED` if its process died of it, and how long it took."""

    answer: Any
    seconds: float


class Lane:
    """One process, and the name of the job it is working on ("" when it is idle)."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.name = ""
        self.answers, theirs = PROCESSES.Pipe()
        self.process = PROCESSES.Process(target=_work, args=(function, theirs), daemon=True)
        self.process.start()
        theirs.close()

    def begin(self, name: str, arguments: tuple[Any, ...]) -> None:
        """Send a job to the process."""
        self.name, self.begun = name, time.monotonic()
        self.answers.send(arguments)

    def finish(self) -> Done:
        """Wait for the current job's answer."""
        self.name = ""
        try:
            answer = self.answers.recv()
        except (EOFError, OSError):
            answer = KILLED
        return Done(answer, time.monotonic() - self.begun)


def side_by_side(
    function: Callable[..., Any],
    jobs: Mapping[str, tuple[Any, ...]],
    *,
    num_lanes: int,
    ready: Callable[[str, Mapping[str, Done]], bool] = lambda name, done: True,
) -> dict[str, Done]:
    """Run all jobs, the first ones first, behind a progress bar; Ctrl-C stops their processes, too.

    ``function`` must be importable by name. ``ready(name, done)`` tells if a job may begin; ValueError if no
    job that is left may.

    >>> side_by_side(max, {"a": (1, 2)}, num_lanes=1)["a"].answer
    2
    """
    waiting = dict(jobs)
    done: dict[str, Done] = {}
    lanes = [Lane(function) for _ in range(min(num_lanes, len(jobs)))]
    bar = tqdm(total=len(jobs), unit="notebook", file=sys.stderr, dynamic_ncols=True)
    try:
        while len(done) < len(jobs):
            for lane in lanes:
                name = next((name for name in waiting if not lane.name and ready(name, done)), "")
                if name:
                    lane.begin(name, waiting.pop(name))
            busy = [lane for lane in lanes if lane.name]
            if not busy:
                raise ValueError(f"none of these may begin: {', '.join(waiting)}")
            bar.set_description(", ".join(sorted(lane.name for lane in busy)))
            finished = connection.wait([lane.answers for lane in busy])
            for lane in [lane for lane in busy if lane.answers in finished]:
                name = lane.name
                done[name] = lane.finish()
                bar.update()
                if done[name].answer == KILLED:
                    lane.process.join()
                    lanes[lanes.index(lane)] = Lane(function)
        bar.set_description("done")
    finally:
        bar.close()
        for lane in lanes:
            lane.process.terminate()
        for lane in lanes:
            lane.process.join()
    return done


def _work(function: Callable[..., Any], answers: connection.Connection) -> None:
    """Do jobs until stopped; SIGTERM interrupts the current one, Ctrl-C is left to the parent."""

    def stop(*_: object) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # once is enough
        raise KeyboardInterrupt

    def stop_with_parent() -> None:
        parent = multiprocessing.parent_process()
        assert parent is not None
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)

    with contextlib.suppress(KeyboardInterrupt, EOFError, OSError):
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, stop)
        threading.Thread(target=stop_with_parent, daemon=True).start()
        while True:
            answers.send(function(*answers.recv()))
