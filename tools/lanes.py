"""Jobs side by side, each lane a process that does one after another (tools/run_course.py uses it)."""

import contextlib
import multiprocessing
import os
import signal
import threading
import time
from multiprocessing import connection
from typing import NamedTuple

PROCESSES = multiprocessing.get_context("spawn")  # the same on every system; nothing is inherited half done


class Done(NamedTuple):
    """What a job answered, None if its process died of it, and how long it took."""

    answer: object
    seconds: float


class Lane:
    """A process that does what it is handed, one job after another, and the job it has in hand.

    Parameters
    ----------
    function : callable
        Importable by name; takes a job's arguments.
    """

    def __init__(self, function):
        self.name = None
        self.answers, theirs = PROCESSES.Pipe()
        self.process = PROCESSES.Process(target=_work, args=(function, theirs), daemon=True)
        self.process.start()
        theirs.close()

    def begin(self, name, arguments):
        """Hand over a job."""
        self.name, self.begun = name, time.monotonic()
        self.answers.send(arguments)

    def finish(self):
        """Return what came of the job in hand, a `Done`."""
        self.name = None
        try:
            answer = self.answers.recv()
        except (EOFError, OSError):
            answer = None
        return Done(answer, time.monotonic() - self.begun)


def side_by_side(function, jobs, *, num_lanes, ready, watch):
    """Do all jobs, several at once; on an exception or Ctrl-C no process of them outlives the call.

    Parameters
    ----------
    function : callable
        Importable by name; returns something, not None, that can be pickled.
    jobs : dict of str to tuple
        The arguments of each job, the most urgent first.
    num_lanes : int
        Jobs at once.
    ready : callable
        Takes a job's name and the `Done` of each job so far; returns whether the job may begin.
    watch : callable
        Takes the names of the jobs in hand and the `Done` of each so far, whenever they change.

    Returns
    -------
    dict of str to Done
        In the order in which the jobs were done.

    Raises
    ------
    ValueError
        Where jobs are left of which none may ever begin.

    Examples
    --------
    >>> jobs = {"a": (1, 2), "b": (3, 4)}
    >>> done = side_by_side(max, jobs, num_lanes=1, ready=lambda *_: True, watch=lambda *_: None)
    >>> done["a"].answer, done["b"].answer
    (2, 4)
    """
    waiting, done = dict(jobs), {}
    lanes = [Lane(function) for _ in range(min(num_lanes, len(jobs)))]
    try:
        while len(done) < len(jobs):
            for lane in lanes:
                name = next((name for name in waiting if lane.name is None and ready(name, done)), None)
                if name is not None:
                    lane.begin(name, waiting.pop(name))
            busy = {lane.answers: lane for lane in lanes if lane.name is not None}
            if not busy:
                raise ValueError(f"none of these may begin: {', '.join(waiting)}")
            watch([lane.name for lane in busy.values()], done)
            for ended in connection.wait(busy):
                lane = busy[ended]
                name = lane.name
                done[name] = lane.finish()
                if done[name].answer is None:
                    lane.process.join()
                    lanes[lanes.index(lane)] = Lane(function)
        watch([], done)
    finally:
        for lane in lanes:
            lane.process.terminate()
        for lane in lanes:
            lane.process.join()
    return done


def _work(function, answers):
    """Do jobs until told to stop, which closes whatever a job has open; Ctrl-C is for the parent alone."""

    def stop(*_):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # once is enough
        raise KeyboardInterrupt

    def stop_with_parent():
        multiprocessing.parent_process().join()
        os.kill(os.getpid(), signal.SIGTERM)

    with contextlib.suppress(KeyboardInterrupt, EOFError, OSError):
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, stop)
        threading.Thread(target=stop_with_parent, daemon=True).start()
        while True:
            answers.send(function(*answers.recv()))
