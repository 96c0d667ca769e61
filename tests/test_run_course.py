"""tools/run_course.py on toy notebooks, and the tools that stand around it."""

import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest

from tools import lanes, make_environment, publish, run_course, write_links

ROOT = Path(__file__).resolve().parent.parent
PARAMETERS = """\
corpus: str = "sample"  # or your own
num_samples: int | None = 500  # pairs
epochs: int = 3  # passes
seed: int = 0  # random numbers"""
TRANSLATIONS = """\
import json, os, pathlib
record = {"source": "Hi.", "translation": "Salut.", "references": ["Salut."], "split": "test"}
pathlib.Path(os.environ["S2S_CACHE_DIR"], "translations.json").write_text(json.dumps([record]))"""


def write_notebook(path, *sources, parameters=PARAMETERS):
    tagged = nbformat.v4.new_code_cell(parameters, metadata={"tags": ["parameters"]}, id="parameters")
    cells = [nbformat.v4.new_markdown_cell("# What is this?", id="title"), tagged]
    for i, source in enumerate(sources):
        cells.append(nbformat.v4.new_markdown_cell("A sentence.", id=f"text-{i}"))
        cells.append(nbformat.v4.new_code_cell(source, id=f"code-{i}"))
    path.parent.mkdir(exist_ok=True)
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)


def run(folder, *arguments):
    command = ["--notebooks", folder / "notebooks", "--output", folder / "out", *arguments]
    return run_course.main([str(argument) for argument in command])


@pytest.fixture
def course(tmp_path, monkeypatch):
    """An empty course; what a run sets in the environment is undone."""
    for name in ("S2S_CACHE_DIR", "S2S_DATA_DIR", "JUPYTER_PATH", "JUPYTER_PREFER_ENV_PATH"):
        monkeypatch.setenv(name, str(tmp_path))
    (tmp_path / "notebooks").mkdir()
    return tmp_path


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A course of two notebooks after its run, and what the run printed."""
    folder = tmp_path_factory.mktemp("course")
    write_notebook(folder / "notebooks" / "01_data.ipynb", "print(corpus, num_samples, epochs, seed)")
    write_notebook(
        folder / "notebooks" / "06_error_analysis.ipynb",
        "import sys; print(sys.executable, size, label)",
        TRANSLATIONS,
        parameters='size: float = 1.0  # a number\nlabel: str = "a"  # a text',
    )
    write_notebook(folder / "notebooks" / "draft.ipynb", "1 / 0")
    (folder / "out").mkdir()
    (folder / "out" / "09_gone.failed.ipynb").write_text("of an earlier run")
    (folder / "out" / "mine.txt").write_text("not the course's")
    command = [sys.executable, ROOT / "tools" / "run_course.py", "--epochs", "7", "--num-samples", "none"]
    command += ["--params", "label='no no'", "-p", "size=2", "--output", "out", "--notebooks", "notebooks"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "out", done


def test_each_numbered_notebook_becomes_a_notebook_and_a_page_and_nothing_old_stays(finished):
    names = {path.name for path in finished[0].iterdir()}
    pages = {"01_data.ipynb", "01_data.html", "06_error_analysis.ipynb", "06_error_analysis.html"}
    assert names == pages | {"summary.json", "cache", "mine.txt"}


def test_each_notebook_gets_the_parameters_that_it_declares(finished):
    assert "sample None 7 0" in (finished[0] / "01_data.ipynb").read_text()
    assert "2.0 no no" in (finished[0] / "06_error_analysis.ipynb").read_text()


def test_the_kernel_is_this_environment_s(finished):
    notebook = nbformat.read(finished[0] / "06_error_analysis.ipynb", as_version=4)
    printed = "".join(output.get("text", "") for cell in notebook.cells for output in cell.get("outputs", []))
    assert printed.startswith(sys.executable + " ")


def test_the_summary_holds_what_ran_and_what_was_translated(finished):
    summary = json.loads((finished[0] / "summary.json").read_text(encoding="utf-8"))
    assert {name: summary[name] for name in run_course.COUNTS} == {
        "corpus": "sample",
        "num_samples": None,
        "epochs": 7,
        "seed": 0,
    }
    assert {"python", "keras", "tensorflow", "numpy"} <= set(summary["versions"])
    assert [(n["name"], n["ok"]) for n in summary["notebooks"]] == [
        ("01_data", True),
        ("06_error_analysis", True),
    ]
    assert all(n["seconds"] > 0 for n in summary["notebooks"])
    assert summary["translations"][0]["translation"] == "Salut."


def test_the_screen_shows_a_bar_a_table_and_translations_and_no_warnings(finished):
    _, done = finished
    assert "2/2" in done.stderr and "warn" not in done.stderr.lower()
    assert "01_data" in done.stderr and "06_error_analysis" in done.stderr
    assert "notebook           seconds  result" in done.stdout
    assert "Salut." in done.stdout


def test_a_parameter_that_no_notebook_declares_is_an_error_before_anything_runs(course, capsys):
    write_notebook(course / "notebooks" / "01_data.ipynb")
    assert run(course, "-p", "latent_dmi=3") == 2
    message = capsys.readouterr().err
    assert "No notebook declares latent_dmi" in message and "epochs" in message
    assert not (course / "out").exists()


@pytest.mark.parametrize("arguments", [["--epochs", "ten"], ["-p", "seed=1.5"]])
def test_a_value_of_the_wrong_type_is_an_error_that_names_it(course, capsys, arguments):
    write_notebook(course / "notebooks" / "01_data.ipynb")
    assert run(course, *arguments) == 2
    assert "is not of the declared type: int" in capsys.readouterr().err


def test_a_failed_notebook_is_kept_under_another_name_and_the_others_still_run(course, capsys):
    write_notebook(course / "notebooks" / "01_data.ipynb", "raise ValueError('no such\\nline 2')")
    write_notebook(course / "notebooks" / "02_more.ipynb", "print('well')")
    assert run(course) == 1
    names = {path.name for path in (course / "out").iterdir()}
    assert names == {"01_data.failed.ipynb", "02_more.ipynb", "02_more.html", "cache", "summary.json"}
    summary = json.loads((course / "out" / "summary.json").read_text())
    assert [n["ok"] for n in summary["notebooks"]] == [False, True] and summary["translations"] == []
    assert "failed, In [2]: ValueError: no such ... line 2" in capsys.readouterr().out


def test_a_kernel_that_dies_is_a_failed_notebook(course, capsys):
    write_notebook(course / "notebooks" / "01_data.ipynb", "import os; os._exit(1)")
    assert run(course) == 1
    assert "failed, " in capsys.readouterr().out
    assert not (course / "out" / "01_data.ipynb").exists()


def test_a_kernel_that_finds_its_port_taken_is_started_once_more(tmp_path, monkeypatch):
    tries = []

    def execute(source, partial, parameters, **options):
        tries.append(source)
        if len(tries) == 1:
            raise RuntimeError("Kernel died before replying to kernel_info")
        Path(partial).write_text("finished")

    monkeypatch.setattr("papermill.execute_notebook", execute)
    monkeypatch.setattr(run_course, "write_html", lambda *_: None)
    assert run_course.run_notebook(Path("01_data.ipynb"), tmp_path, {}) == ""
    assert len(tries) == 2 and (tmp_path / "01_data.ipynb").read_text() == "finished"


# Side by side

LOAD = "train_or_load = print; train_or_load()"


def write_stamped(course, name, *lines):
    """Write a notebook that leaves the time when it begins and when it ends."""
    stamp = "pathlib.Path('{}').write_text(str(time.time()))".format
    lines = ["import pathlib, time", stamp(f"{name}.begun"), *lines, stamp(f"{name}.ended")]
    write_notebook(course / "notebooks" / f"{name}.ipynb", "\n".join(lines))


def wait_for(name):
    """Return lines that wait until another notebook has begun, and fail where it does not."""
    found = f"pathlib.Path('{name}.begun').exists()"
    return [f"for _ in range(600): {found} or time.sleep(0.1)", f"assert {found}"]


def test_notebooks_that_load_a_translator_wait_for_the_one_that_trains_it_and_others_run_beside(course):
    write_stamped(course, "02_more", *wait_for("04_training"))
    write_stamped(course, "04_training", LOAD, *wait_for("02_more"))
    write_stamped(course, "05_inference", LOAD, *wait_for("06_error_analysis"))
    write_stamped(course, "06_error_analysis", LOAD, *wait_for("05_inference"))
    assert run(course) == 0
    stamps = [path for path in (course / "out").iterdir() if path.suffix in (".begun", ".ended")]
    times = {path.name: float(path.read_text()) for path in stamps}
    for name in ("05_inference", "06_error_analysis"):
        assert times[f"{name}.begun"] > times["04_training.ended"]
    summary = json.loads((course / "out" / "summary.json").read_text())
    names = [n["name"] for n in summary["notebooks"]]
    assert names == ["02_more", "04_training", "05_inference", "06_error_analysis"]
    assert summary["seconds"] < sum(n["seconds"] for n in summary["notebooks"])


def test_the_course_s_own_notebooks_that_load_are_told_by_their_code():
    loaders = [
        p.stem for p in sorted((ROOT / "notebooks").glob("0*.ipynb")) if run_course.loads_translator(p)
    ]
    assert loaders[:3] == ["04_training", "05_inference", "06_error_analysis"]


@pytest.mark.parametrize(
    ("name", "reasons", "may"),
    [
        ("01_data", {}, True),  # loads nothing
        ("04", {}, True),  # trains
        ("05", {}, False),
        ("05", {"04": ""}, True),
        ("06", {"04": ""}, True),  # beside 05
        ("05", {"04": "failed"}, True),  # trains in its stead
        ("06", {"04": "failed"}, False),
        ("06", {"04": "failed", "05": "failed"}, True),
    ],
)
def test_a_notebook_begins_when_what_it_loads_is_there_or_it_is_its_turn_to_train(name, reasons, may):
    assert run_course.may_begin(name, reasons, ["04", "05", "06"]) is may


def test_a_killed_process_fails_its_notebook_alone(course, capsys):
    kill = "import os, signal; os.kill(os.getppid(), signal.SIGKILL); import time; time.sleep(60)"
    write_notebook(course / "notebooks" / "01_data.ipynb", kill)
    write_notebook(course / "notebooks" / "02_more.ipynb", "print('well')")
    write_notebook(course / "notebooks" / "03_most.ipynb", "print('well')")
    assert run(course) == 1
    names = {path.name for path in (course / "out").glob("0*.ipynb")}
    assert names == {"01_data.failed.ipynb", "02_more.ipynb", "03_most.ipynb"}
    assert "failed, the process that ran it was killed" in capsys.readouterr().out


def is_alive(pid):
    done = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True)
    return done.stdout.strip()[:1] not in ("", "Z")


@pytest.mark.parametrize("to_all", [True, False], ids=["Ctrl-C in a terminal", "SIGINT to the program alone"])
def test_an_interrupted_run_stops_its_kernels_and_leaves_nothing_under_a_final_name(tmp_path, to_all):
    sleep = "import os, pathlib, time; pathlib.Path(f'{os.getpid()}.pid').touch(); time.sleep(100)"
    for name in ("01_data", "02_more", "03_most"):
        write_notebook(tmp_path / "notebooks" / f"{name}.ipynb", sleep)
    command = [
        sys.executable,
        ROOT / "tools" / "run_course.py",
        "--notebooks",
        "notebooks",
        "--output",
        "out",
    ]
    program = subprocess.Popen(
        command, cwd=tmp_path, stderr=subprocess.PIPE, text=True, start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell's "&" would ignore it
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while len(kernels := list((tmp_path / "out").glob("*.pid"))) < 2 and time.monotonic() < deadline:
        time.sleep(0.1)
    (os.killpg if to_all else os.kill)(program.pid, signal.SIGINT)
    message = program.communicate(timeout=60)[1]
    assert program.returncode == 130
    assert "Interrupted. What was finished stands in out/" in message and "Traceback" not in message
    assert len(kernels) == 2 and not any(is_alive(int(path.stem)) for path in kernels)
    left = {path.name for path in (tmp_path / "out").iterdir() if path.suffix != ".pid"}
    assert left == {"01_data.partial.ipynb", "02_more.partial.ipynb", "cache"}


def test_jobs_of_which_none_may_begin_are_an_error():
    with pytest.raises(ValueError, match="none of these may begin: a, b"):
        lanes.side_by_side(max, {"a": (1, 2), "b": (1, 2)}, num_lanes=2, ready=lambda *_: False, watch=print)


# Refusals


def test_the_notebooks_own_folder_is_refused_as_output(course, capsys):
    write_notebook(course / "notebooks" / "01_data.ipynb")
    before = (course / "notebooks" / "01_data.ipynb").read_bytes()
    assert run(course, "--output", course / "notebooks") == 2
    assert (course / "notebooks" / "01_data.ipynb").read_bytes() == before


def test_a_corpus_that_is_a_path_is_made_absolute(course):
    write_notebook(course / "notebooks" / "01_data.ipynb")
    arguments = ["--notebooks", str(course / "notebooks"), "--corpus"]
    assert run_course.parse_arguments([*arguments, "my pairs.tsv"])[2]["corpus"] == str(
        Path.cwd() / "my pairs.tsv"
    )
    assert run_course.parse_arguments([*arguments, "deu-eng"])[2]["corpus"] == "deu-eng"


def test_a_download_outlives_the_run(course, monkeypatch):
    monkeypatch.delenv("S2S_DATA_DIR")
    monkeypatch.setenv("S2S_CACHE_DIR", str(course / "users-own"))
    (course / "out").mkdir()
    run_course.prepare_kernels(course / "out")
    assert run_course.os.environ["S2S_DATA_DIR"] == str(course / "users-own")
    assert run_course.os.environ["S2S_CACHE_DIR"] == str(course / "out" / "cache")


@pytest.mark.parametrize(
    ("given", "annotation", "value"),
    [
        ("5", "int | None", 5),
        ("None", "int | None", None),
        ("no", "str", "no"),
        ("yes", "bool", True),
        ("1e-3", "float", 0.001),
    ],
)
def test_values_are_read_by_their_declared_type(given, annotation, value):
    assert run_course.convert("name", given, annotation) == value


def test_make_names_a_misspelt_variable_and_the_known_ones():
    done = subprocess.run(["make", "run", "SAMPELS=3"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode != 0
    assert "SAMPELS" in done.stderr and "CORPUS SAMPLES EPOCHS SEED PARAMS" in done.stderr


def test_make_alone_lists_the_targets():
    done = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True)
    for target in ["setup", "run", "lab", "test", "test-notebooks", "lint", "bench", "publish", "clean"]:
        assert f"\n  {target} " in done.stdout


def test_publishing_keeps_outputs_counts_and_ids_and_no_time(tmp_path):
    path = tmp_path / "01_data.ipynb"
    write_notebook(path, "print('well')")
    assert "was not executed in order from 1. Run make publish." in publish.faults(path)
    assert publish.main([str(path)]) == 0
    first = path.read_bytes()
    assert publish.main([str(path)]) == 0
    assert path.read_bytes() == first
    assert b'"id": "code-0"' in first and b"well" in first and b"iopub" not in first


def test_a_notebook_that_fails_is_not_published(tmp_path, capsys):
    path = tmp_path / "01_data.ipynb"
    write_notebook(path, "1 / 0")
    before = path.read_bytes()
    assert publish.main([str(path)]) == 1
    assert path.read_bytes() == before and "ZeroDivisionError" in capsys.readouterr().err


def test_links_and_install_cell_are_written_once_and_then_found(tmp_path):
    for name in ("01_data", "02_more"):
        write_notebook(tmp_path / f"{name}.ipynb", "print('well')")
    notebooks, readme = sorted(tmp_path.glob("*.ipynb")), tmp_path / "README.md"
    readme.write_text("# Title\n")
    texts = write_links.expected(readme, notebooks, "https://github.com/me/course")
    assert "[02_more →](02_more.ipynb)" in texts[notebooks[0]]
    assert "[← 01_data](01_data.ipynb)" in texts[notebooks[1]]
    assert "git+https://github.com/me/course" in texts[notebooks[0]]
    assert "| [01_data](notebooks/01_data.ipynb) | What is this? |" in texts[readme]
    for path, text in texts.items():
        path.write_text(text)
    again = write_links.expected(readme, notebooks, "https://github.com/me/course")
    assert again == texts


def test_setup_explains_a_full_disk_a_missing_network_and_anything_else():
    assert "disk is full" in make_environment.explain(f"[Errno {errno.ENOSPC}] No space left on device")
    assert "network" in make_environment.explain("WARNING: Retrying (Retry(total=4))\nERROR: No matching ...")
    assert "message stands above" in make_environment.explain("ERROR: something else")


def test_setup_says_how_much_space_it_needs_before_it_starts(tmp_path, monkeypatch):
    usage = type("Usage", (), {"free": 287_000_000})
    monkeypatch.setattr(make_environment.shutil, "disk_usage", lambda _: usage)
    with pytest.raises(SystemExit, match=r"needs about 5 GB .* 0\.3 GB are free"):
        make_environment.make_environment(tmp_path)
    assert not (tmp_path / ".venv").exists()
