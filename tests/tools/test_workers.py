"""Jobs on Dask workers: in order, side by side, one death at a time."""

import os
import signal
import time

import pytest

from tools import workers

pytestmark = pytest.mark.filterwarnings("ignore")  # what Dask says of workers that die


@pytest.fixture(scope="module")
def client():
    with workers.cluster(most=2) as client:
        yield client


def double_unless_zero(number):
    return 2 * number if number else 1 / 0


def die(_):
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60)


def die_once(file):
    if not file.exists():
        file.touch()
        die(None)
    return "alive"


def test_each_job_has_its_answer_or_its_error(client):
    done = dict(workers.run_jobs(client, double_unless_zero, {"a": (1,), "b": (0,), "c": (3,)}))
    assert (done["a"].answer, done["c"].answer) == (2, 6) and done["a"].seconds > 0
    assert isinstance(done["b"].answer, ZeroDivisionError)


def test_a_job_that_kills_its_process_is_told_and_the_others_are_done(client):
    done = dict(workers.run_jobs(client, die, {"a": (1,)}))
    done |= dict(workers.run_jobs(client, double_unless_zero, {"b": (1,)}))
    assert done["a"].answer == workers.KILLED and done["b"].answer == 2


def test_a_job_may_wait_for_another(client):
    order = []
    ready = lambda name, done: name != "first" or "last" in done  # noqa: E731
    jobs = {"first": (1,), "middle": (2,), "last": (3,)}
    for name, _ in workers.run_jobs(client, double_unless_zero, jobs, ready=ready):
        order.append(name)
    assert order[-1] == "first" and sorted(order) == sorted(jobs)


def test_jobs_of_which_none_may_begin_are_an_error(client):
    with pytest.raises(ValueError, match="none of these may begin: a, b"):
        dict(workers.run_jobs(client, double_unless_zero, {"a": (1,), "b": (2,)}, ready=lambda *_: False))


def test_a_job_whose_process_was_killed_runs_again_elsewhere_where_deaths_are_allowed(tmp_path):
    with workers.cluster(most=2, deaths=2) as client:
        done = dict(workers.run_jobs(client, die_once, {"a": (tmp_path / "died",)}))
    assert done["a"].answer == "alive"


def test_a_cluster_at_an_address_does_the_same(client):
    with workers.cluster(client.scheduler.address) as other:
        assert dict(workers.run_jobs(other, double_unless_zero, {"a": (4,)}))["a"].answer == 8
