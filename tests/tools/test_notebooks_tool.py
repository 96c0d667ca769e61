"""`python -m tools.notebooks` on toy notebooks, and make, which calls it."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from unittest import mock

import nbformat
import pytest

from tools import links, notebooks, workers

ROOT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-m", "tools.notebooks"]
PARAMETERS = """\
corpus: str = "sample"  # or your own
num_samples: int | None = 500  # pairs
epochs: int = 3  # passes
seed: int = 0  # random numbers"""
LOAD = "train_or_load = print; train_or_load()"
TRANSLATIONS = """\
import json, os, pathlib
record = {"source": "Hi.", "translation": "Salut.", "references": ["Salut."], "split": "test"}
pathlib.Path(os.environ["S2S_CACHE_DIR"], "translations.json").write_text(json.dumps([record]))"""
PICTURE = """\
from IPython.display import publish_display_data
dot = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
publish_display_data({"image/png": dot}, {"image/png": {"alt": "One dot, < 2."}})"""


def write_notebook(path, *sources, parameters=PARAMETERS):
    tagged = nbformat.v4.new_code_cell(parameters, metadata={"tags": ["parameters"]}, id="parameters")
    cells = [nbformat.v4.new_markdown_cell("# What is this?", id="title"), tagged]
    for i, source in enumerate(sources):
        cells.append(nbformat.v4.new_markdown_cell("A sentence.", id=f"text-{i}"))
        cells.append(nbformat.v4.new_code_cell(source, id=f"code-{i}"))
    path.parent.mkdir(exist_ok=True)
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)


def printed(path):
    outputs = [out for cell in nbformat.read(path, as_version=4).cells for out in cell.get("outputs", [])]
    return "".join(output.get("text", "") for output in outputs)


def start(folder, *arguments, **options):
    """Start a run in another process, as a user does, with relative paths."""
    command = [*COMMAND, "run", "--notebooks", "notebooks", "--output", "out", *arguments]
    options |= {"cwd": folder, "env": os.environ | {"PYTHONPATH": str(ROOT)}, "text": True}
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)


def run(folder, *arguments):
    """Run in this process."""
    paths = ["--notebooks", folder / "notebooks", "--output", folder / "out"]
    return notebooks.main(["run", *map(str, [*paths, *arguments])])


@pytest.fixture(autouse=True)
def _environment():
    """What a test sets in the environment is undone."""
    with mock.patch.dict(os.environ):
        yield


# ---- one run that succeeds


def meet(name, other):
    """Lines that leave the time when a notebook begins, and wait until the other has begun beside it."""
    return f"""\
import os, pathlib, time
def stamp(name):
    return pathlib.Path(os.environ["S2S_CACHE_DIR"], name)
stamp("{name}.begun").write_text(str(time.time()))
for _ in range(600):
    stamp("{other}.begun").exists() or time.sleep(0.1)
assert stamp("{other}.begun").exists()"""


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The output folder of a course of four notebooks, and what its run printed."""
    folder = tmp_path_factory.mktemp("course")
    course = folder / "notebooks"
    counts = "print(corpus, num_samples, epochs, seed)"
    write_notebook(course / "01_data.ipynb", counts, PICTURE, meet("01", "04"))
    end = 'stamp("04.ended").write_text(str(time.time()))'
    write_notebook(course / "04_training.ipynb", LOAD, meet("04", "01"), end)
    write_notebook(course / "05_inference.ipynb", LOAD, meet("05", "06"))
    own = 'size: float = 1.0  # a number\nlabel: str = "a=b"  # a text\nreverse: bool = False  # reverse=yes'
    values = "import sys; print(sys.executable, size, label, reverse)"
    write_notebook(
        course / "06_error_analysis.ipynb", LOAD, meet("06", "05"), values, TRANSLATIONS, parameters=own
    )
    write_notebook(course / "draft.ipynb", "1 / 0")
    (folder / "out").mkdir()
    (folder / "out" / "09_gone.failed.ipynb").write_text("of an earlier run")
    (folder / "out" / "mine.txt").write_text("not the course's")
    arguments = [
        "--epochs",
        "7",
        "--num-samples",
        "none",
        "--params",
        "label='no no' reverse=yes",
        "-p",
        "size=2",
    ]
    process = start(folder, *arguments)
    stdout, stderr = process.communicate(timeout=300)
    assert process.returncode == 0, stdout + stderr
    return folder / "out", stdout, stderr


def test_each_numbered_notebook_becomes_a_notebook_and_a_page_and_nothing_old_stays(finished):
    names = {path.name for path in finished[0].iterdir()}
    stems = ["01_data", "04_training", "05_inference", "06_error_analysis"]
    pages = {stem + suffix for stem in stems for suffix in (".ipynb", ".html")}
    assert names == pages | {"summary.json", "cache", "mine.txt"}


def test_each_notebook_gets_the_parameters_that_it_declares_in_the_kernel_of_this_environment(finished):
    assert printed(finished[0] / "01_data.ipynb") == "sample None 7 0\n"
    assert printed(finished[0] / "06_error_analysis.ipynb").endswith(f"{sys.executable} 2.0 no no True\n")


def test_the_summary_holds_what_ran_and_what_was_translated(finished):
    summary = json.loads((finished[0] / "summary.json").read_text(encoding="utf-8"))
    counts = {"corpus": "sample", "num_samples": None, "epochs": 7, "seed": 0}
    assert {name: summary[name] for name in notebooks.COUNTS} == counts
    assert {"python", "keras", "tensorflow", "numpy"} <= set(summary["versions"])
    assert [(each["name"], each["ok"]) for each in summary["notebooks"]] == [
        ("01_data", True),
        ("04_training", True),
        ("05_inference", True),
        ("06_error_analysis", True),
    ]
    assert all(each["seconds"] > 0 for each in summary["notebooks"])
    assert summary["translations"][0]["translation"] == "Salut."


def test_the_screen_shows_a_bar_a_table_and_translations_and_no_warnings(finished):
    _, stdout, stderr = finished
    assert "4/4" in stderr and "warn" not in stderr.lower()
    assert "01_data" in stderr and "06_error_analysis" in stderr
    assert "notebook           seconds    result" in stdout
    assert [line.split() for line in stdout.splitlines() if "Salut." in line] == [
        ["Hi.", "Salut.", "✓", "test"]
    ]


def test_a_picture_keeps_its_alt_text_on_the_page(finished):
    assert '<img alt="One dot, &lt; 2."' in (finished[0] / "01_data.html").read_text(encoding="utf-8")


def test_notebooks_that_load_a_translator_wait_for_the_one_that_trains_it(finished):
    times = {
        path.stem + path.suffix: float(path.read_text()) for path in (finished[0] / "cache").glob("0*.*")
    }
    assert min(times["05.begun"], times["06.begun"]) > times["04.ended"] > times["01.begun"]


# ---- one run in which all goes wrong, and one that is stopped


@pytest.fixture(scope="module")
def failed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("course")
    kill = "import os, signal; os.kill(os.getppid(), signal.SIGKILL); import time; time.sleep(60)"
    write_notebook(folder / "notebooks" / "01_cell.ipynb", "raise ValueError('no such\\nline 2')")
    write_notebook(folder / "notebooks" / "02_kernel.ipynb", "import os; os._exit(1)")
    write_notebook(folder / "notebooks" / "03_process.ipynb", kill)
    write_notebook(folder / "notebooks" / "04_fine.ipynb", "print('well')")
    process = start(folder)
    stdout, _ = process.communicate(timeout=300)
    assert process.returncode == 1
    return folder / "out", stdout


def test_failed_notebooks_are_kept_under_another_name_and_the_others_still_run(failed):
    names = {path.name for path in failed[0].iterdir()}
    bad = {f"{stem}.failed.ipynb" for stem in ("01_cell", "02_kernel", "03_process")}
    assert names == bad | {"04_fine.ipynb", "04_fine.html", "cache", "summary.json"}
    summary = json.loads((failed[0] / "summary.json").read_text())
    assert [each["ok"] for each in summary["notebooks"]] == [False, False, False, True]
    assert summary["translations"] == []


def test_the_screen_says_why_each_failed(failed):
    results = {line.split()[0]: line for line in failed[1].splitlines() if line.startswith("0")}
    assert results["01_cell"].endswith("failed, In [2]: ValueError: no such ... line 2")
    assert "failed, DeadKernelError: Kernel died" in results["02_kernel"]
    assert results["03_process"].endswith("failed, the process that ran it was killed: out of memory?")
    assert results["04_fine"].endswith("ok")


def is_alive(pid):
    done = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True)
    return done.stdout.strip()[:1] not in ("", "Z")


@pytest.mark.parametrize("to_all", [True, False], ids=["Ctrl-C in a terminal", "SIGINT to the program alone"])
def test_an_interrupted_run_stops_its_kernels_and_leaves_nothing_under_a_final_name(tmp_path, to_all):
    sleep = "import os, pathlib, time; pathlib.Path(f'{os.getpid()}.pid').touch(); time.sleep(100)"
    for name in ("01_data", "02_more", "03_most"):
        write_notebook(tmp_path / "notebooks" / f"{name}.ipynb", sleep)
    heed = {
        "preexec_fn": lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)
    }  # a shell's "&" would ignore it
    process = start(tmp_path, start_new_session=True, **heed)
    deadline = time.monotonic() + 60
    while len(kernels := list((tmp_path / "out").glob("*.pid"))) < 2 and time.monotonic() < deadline:
        time.sleep(0.1)
    (os.killpg if to_all else os.kill)(process.pid, signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Interrupted. Finished notebooks are in out/" in stderr and "Traceback" not in stderr
    assert len(kernels) == 2 and not any(is_alive(int(path.stem)) for path in kernels)
    left = {path.name for path in (tmp_path / "out").iterdir() if path.suffix != ".pid"}
    assert left == {"01_data.partial.ipynb", "02_more.partial.ipynb", "cache"}


# ---- refusals, before anything runs


def test_a_parameter_that_no_notebook_declares_is_an_error_that_names_those_there_are(tmp_path, capsys):
    write_notebook(tmp_path / "notebooks" / "01_data.ipynb")
    assert run(tmp_path, "-p", "latent_dmi=3") == 2
    message = capsys.readouterr().err
    assert "No notebook declares latent_dmi. Known are corpus, epochs, num_samples, seed." in message
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--epochs", "ten"], "epochs=ten is not of the declared type: int."),
        (["-p", "seed=1.5"], "seed=1.5 is not of the declared type: int."),
        (["-p", "seed"], "seed is not of the form name=value"),
        (["--seed", "1", "--params", "seed=2"], "seed is given twice"),
    ],
)
def test_a_malformed_parameter_is_an_error_that_names_it(tmp_path, capsys, arguments, message):
    write_notebook(tmp_path / "notebooks" / "01_data.ipynb")
    assert run(tmp_path, *arguments) == 2
    assert message in capsys.readouterr().err


def test_the_notebooks_own_folder_is_refused_as_output(tmp_path, capsys):
    path = tmp_path / "notebooks" / "01_data.ipynb"
    write_notebook(path)
    before = path.read_bytes()
    assert run(tmp_path, "--output", tmp_path / "notebooks") == 2
    assert path.read_bytes() == before and "Choose another folder" in capsys.readouterr().err


def test_a_folder_without_numbered_notebooks_is_an_error(tmp_path, capsys):
    write_notebook(tmp_path / "notebooks" / "draft.ipynb")
    assert run(tmp_path) == 2
    assert "no numbered notebook in" in capsys.readouterr().err


# ---- parts


@pytest.mark.parametrize(
    ("given", "annotation", "value"),
    [
        ("5", "int | None", 5),
        ("None", "int | None", None),
        ("no", "str", "no"),
        ("yes", "bool", True),
        ("False", "bool", False),
        ("1e-3", "float", 0.001),
    ],
)
def test_values_are_read_by_their_declared_type(given, annotation, value):
    assert notebooks.convert("name", given, annotation) == value


def test_a_corpus_that_is_a_path_is_made_absolute_and_a_name_is_not(tmp_path, monkeypatch):
    write_notebook(tmp_path / "notebooks" / "01_data.ipynb")
    seen = []
    monkeypatch.setattr(notebooks, "assign_parameters", lambda _, given: seen.append(given) or [][0])
    for corpus in ("my pairs.tsv", "deu-eng"):
        with pytest.raises(IndexError):
            run(tmp_path, "--corpus", corpus)
    assert seen == [{"corpus": str(Path.cwd() / "my pairs.tsv")}, {"corpus": "deu-eng"}]


def test_the_summary_counts_what_the_notebook_on_training_declares(tmp_path):
    write_notebook(
        tmp_path / "01_data.ipynb", parameters="num_samples: int = 9  # pairs\nseed: int = 3  # of all"
    )
    write_notebook(tmp_path / "04_training.ipynb", parameters="num_samples: int = 7  # pairs")
    assigned, counts = notebooks.assign_parameters(sorted(tmp_path.glob("*.ipynb")), {"seed": "4"})
    assert assigned == {"01_data": {"seed": 4}, "04_training": {}}
    assert counts == {"corpus": None, "num_samples": 7, "epochs": None, "seed": 4}


def test_a_download_outlives_the_run_and_trained_models_do_not(tmp_path, monkeypatch):
    monkeypatch.delenv("S2S_DATA_DIR", raising=False)
    monkeypatch.setenv("S2S_CACHE_DIR", str(tmp_path / "users-own"))
    notebooks.set_kernel_environment(tmp_path / "cache")
    assert os.environ["S2S_DATA_DIR"] == str(tmp_path / "users-own")
    assert os.environ["S2S_CACHE_DIR"] == str(tmp_path / "cache")


def test_kernels_are_those_of_this_environment_and_find_a_relative_data_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    monkeypatch.setenv("S2S_DATA_DIR", "data")
    notebooks.set_kernel_environment()
    assert "JUPYTER_PATH" not in os.environ and os.environ["JUPYTER_PREFER_ENV_PATH"] == "1"
    assert os.environ["S2S_DATA_DIR"] == str(Path.cwd() / "data")


def test_a_kernel_that_finds_its_port_taken_is_started_once_more(tmp_path, monkeypatch):
    answers = [RuntimeError("Kernel died before replying to kernel_info"), "finished"]
    monkeypatch.setattr("papermill.execute_notebook", mock.Mock(side_effect=answers))
    assert notebooks.execute(tmp_path / "01_data.ipynb", None, {}, tmp_path) == "finished"


def test_the_course_s_own_notebooks_that_load_are_told_by_their_code():
    course = notebooks.numbered(ROOT / "notebooks")
    loaders = [path.stem for path in course if notebooks.loads_translator(path)]
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
    done = {name: workers.Done(reason, 1.0) for name, reason in reasons.items()}
    assert notebooks.may_begin(name, done, ["04", "05", "06"]) is may


def test_tiny_runs_the_corpora_at_hand_and_says_when_the_real_one_is_missing(tmp_path, monkeypatch, capsys):
    runs = []
    monkeypatch.setattr(notebooks, "main", lambda arguments: runs.append(arguments) or 0)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("S2S_DATA_DIR", str(tmp_path))
    (tmp_path / "build" / "tiny-fra-eng").mkdir(parents=True)  # of an earlier day
    assert notebooks.tiny(None) == 0
    assert [arguments[2] for arguments in runs] == ["sample"]
    assert "*** SKIPPED: the real corpus." in capsys.readouterr().out
    assert not (tmp_path / "build" / "tiny-fra-eng").exists()
    (tmp_path / "fra-eng.zip").touch()
    assert notebooks.tiny(None) == 0
    assert [arguments[2] for arguments in runs[1:]] == ["sample", "fra-eng"]
    assert "SKIPPED" not in capsys.readouterr().out


# ---- publishing, checking, linking


def test_publishing_keeps_outputs_counts_and_ids_and_no_time_and_leaves_failed_notebooks_alone(
    tmp_path, capsys
):
    path, bad = tmp_path / "01_data.ipynb", tmp_path / "02_more.ipynb"
    write_notebook(path, "print('well')")
    write_notebook(bad, "1 / 0")
    before = bad.read_bytes()
    assert links.faults(path) == ["was not executed in order from 1. Run make publish."]
    assert notebooks.main(["publish", str(path), str(bad)]) == 1
    assert bad.read_bytes() == before
    assert "02_more.ipynb stays as it was: In [2]: ZeroDivisionError" in capsys.readouterr().err
    first = path.read_bytes()
    assert notebooks.main(["publish", str(path)]) == 0
    assert path.read_bytes() == first and not list(tmp_path.glob(".*"))
    assert b'"id": "code-0"' in first and b"well" in first
    assert all(word not in first for word in (b"iopub", b"papermill", b'tags": []'))


def test_checking_names_each_fault(tmp_path, capsys):
    path = tmp_path / "01_data.ipynb"
    error = nbformat.v4.new_output("error", ename="ValueError", evalue="x" * links.LARGEST, traceback=[])
    cell = nbformat.v4.new_code_cell("1 / 0", execution_count=1, outputs=[error], id="a")
    nbformat.write(nbformat.v4.new_notebook(cells=[cell], metadata={"widgets": {}}), path)
    assert notebooks.main(["check", str(path)]) == 1
    message = capsys.readouterr().err
    assert message.count(str(path)) == 3
    assert "more than 300,000" in message and "holds an error" in message and "volatile metadata" in message


def test_links_and_install_cell_are_written_once_and_then_found(tmp_path, monkeypatch, capsys):
    for name in ("01_data", "02_more"):
        write_notebook(tmp_path / "notebooks" / f"{name}.ipynb", "print('well')")
    (tmp_path / "README.md").write_text("# Title\n")
    install = "s2s-course @ git+https://github.com/me/course@0123456"
    address = f'repository = "me/course"\ninstall = "{install}"\n'
    (tmp_path / "pyproject.toml").write_text(f"[tool.course]\n{address}")
    monkeypatch.setattr(links, "ROOT", tmp_path)
    monkeypatch.setattr(notebooks, "COURSE", tmp_path / "notebooks")
    assert notebooks.main(["link", "--check"]) == 1
    assert "README.md: links or install cell differ; run make format" in capsys.readouterr().err
    assert notebooks.main(["link"]) == 0
    first, second = (path.read_text() for path in notebooks.numbered(tmp_path / "notebooks"))
    assert "[02_more →](02_more.ipynb)" in first and "[← 01_data](01_data.ipynb)" in second
    assert install in first and "colab-badge" in first
    assert "| [01_data](notebooks/01_data.ipynb) | What is this? |" in (tmp_path / "README.md").read_text()
    assert notebooks.main(["link", "--check"]) == 0

    (tmp_path / "pyproject.toml").write_text('[tool.course]\nrepository = ""\ninstall = ""\n')
    assert notebooks.main(["link"]) == 0
    for path in [tmp_path / "README.md", *notebooks.numbered(tmp_path / "notebooks")]:
        assert "colab-badge" not in path.read_text() and "me/course" not in path.read_text()


# ---- make


def make(*arguments, **options):
    alone = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL")}
    command = ["make", "--no-print-directory", *arguments]
    return subprocess.run(command, cwd=ROOT, env=alone, capture_output=True, text=True, **options)


def test_make_names_a_misspelt_variable_and_the_known_ones():
    done = make("run", "SAMPELS=3")
    assert done.returncode != 0
    assert "Unknown variable: SAMPELS. Known are CORPUS SAMPLES EPOCHS SEED PARAMS PYTHON" in done.stderr


def test_make_alone_lists_the_targets():
    done = make(check=True)
    for target in ["setup", "run", "lab", "test", "test-notebooks", "lint", "bench", "publish", "clean"]:
        assert f"\n  {target} " in done.stdout


def test_make_hands_values_on_as_they_were_typed(tmp_path):
    (tmp_path / "Makefile").write_text('include Makefile\nshow:\n\t@printf %s "$$COURSE_PARAMS"\n')
    typed = """label='no no' "it's" $x `date` # a"""
    assert make("-f", tmp_path / "Makefile", "show", f"PARAMS={typed}", check=True).stdout == typed


@pytest.mark.parametrize("first", ["", "notebooks.main(['link', '--check']); "])
def test_once_the_program_runs_a_screen_without_a_sign_gets_a_question_mark(first):
    code = f"from tools import notebooks; {first}print('\u2713')"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=os.environ | {"PYTHONIOENCODING": "ascii"},
        capture_output=True,
        text=True,
    )
    assert done.stdout == "?\n" if first else "UnicodeEncodeError" in done.stderr


def test_a_checkpoint_of_an_interrupted_run_stays_for_the_next_and_all_else_goes(tmp_path):
    cache = tmp_path / "out" / "cache"
    cache.mkdir(parents=True)
    for name in ("a-1.s2s", "a-2.checkpoint", "a-2.checkpoint.previous", "translations.json"):
        (cache / name).write_text("x")
    notebooks.prepare_output(tmp_path / "out", [])
    assert {path.name for path in cache.iterdir()} == {"a-2.checkpoint", "a-2.checkpoint.previous"}
