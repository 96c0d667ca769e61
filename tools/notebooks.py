"""Run, publish, check and link the course's notebooks: `python -m tools.notebooks COMMAND`.

`run` executes several notebooks at once, each with the parameters that it declares. Those that call
`train_or_load` share one translator: the first of them trains it, the others wait and then load it. The
output folder gets `NAME.ipynb` and `NAME.html`, or `NAME.failed.ipynb`, and `summary.json`: what ran, for how
long, and what was translated. `publish` executes the committed notebooks in place, one after the other.
"""

import argparse
import ast
import contextlib
import functools
import io
import json
import logging
import os
import platform
import shlex
import shutil
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from tqdm import tqdm

from s2s_lib.records import atomic_write, write_json
from tools import exercises
from tools.links import faults, strip, write_links
from tools.workers import Done, cluster, run_jobs

ROOT = Path(__file__).resolve().parent.parent
COURSE, WORK = ROOT / "notebooks", ROOT / "work"
NUMBERED = "[0-9][0-9]_*"
COUNTS = ("corpus", "num_samples", "epochs", "seed")
BOOLEANS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
BRIEF = ("-p", "patient_epochs=6")  # notebook 11 trains its patients only as long as a test needs
LEAST_PAIRS = 100  # sentence pairs from which on every notebook runs
PARTS = {"train": "training", "validation": "validation", "test": "testing"}
PACKAGES = ("keras", "tensorflow", "numpy", "pandas", "matplotlib", "sacrebleu", "s2s-course")
# nbconvert's own page, except that pictures keep the alt text that their notebook gives them.
PAGE = """\
{%- extends 'lab/index.html.j2' -%}
{%- block data_png scoped -%}
{%- set alt = output | get_metadata('alt', 'image/png') -%}
{%- if alt -%}
{{ super() | replace('<img ', '<img alt="' ~ alt | escape_html ~ '" ', 1) }}
{%- else -%}
{{ super() }}
{%- endif -%}
{%- endblock data_png -%}
"""

# ---- what notebooks declare --------------------------------------------------------------------------------


def numbered(folder: Path) -> list[Path]:
    """Return a folder's numbered notebooks, in order; ValueError if there is none."""
    notebooks = sorted(folder.glob(NUMBERED + ".ipynb"))
    if not notebooks:
        raise ValueError(f"no numbered notebook in {folder}")
    return notebooks


def code_cells(path: Path) -> list[NotebookNode]:
    """Return a notebook's code cells."""
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]


def declared_parameters(path: Path) -> dict[str, tuple[str, Any]]:
    """Return the type and the default of each name in the cell tagged ``parameters``.

    `papermill.inspect_notebook` would overlook ``int | None``, and any line with a second ``=``.
    """
    tagged = [cell.source for cell in code_cells(path) if "parameters" in cell.metadata.get("tags", [])]
    return {
        ast.unparse(line.target): (ast.unparse(line.annotation), ast.literal_eval(line.value))
        for line in ast.parse("\n".join(tagged)).body
        if isinstance(line, ast.AnnAssign) and line.value is not None
    }


def convert(name: str, text: str, annotation: str) -> int | float | bool | str | None:
    """Convert what was typed to the declared type; ValueError if it does not fit.

    >>> convert("num_samples", "10_000", "int | None"), convert("reverse", "yes", "bool")
    (10000, True)
    """
    kinds = [kind.strip() for kind in annotation.split("|")]
    if "None" in kinds and text.lower() in ("none", "null"):
        return None
    if "bool" in kinds and text.lower() in BOOLEANS:
        return BOOLEANS[text.lower()]
    for kind in (int, float, str):
        if kind.__name__ in kinds:
            with contextlib.suppress(ValueError):
                value = kind(text)
                break
    else:
        raise ValueError(f"{name}={text} is not of the declared type: {annotation}.")
    least = 0 if name == "seed" else 1
    if isinstance(value, int) and not least <= value < 2**32:
        raise ValueError(f"{name} must be a whole number from {least} up, not {value:,}")
    return value


def given_parameters(options: argparse.Namespace) -> dict[str, str]:
    """Return the parameters on the command line, as typed; ValueError if one is malformed or given twice."""
    given: dict[str, str] = {name: getattr(options, name) for name in COUNTS if getattr(options, name)}
    for pair in [*options.parameter, *shlex.split(options.params)]:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise ValueError(f"{pair} is not of the form name=value")
        if name in given:
            raise ValueError(f"{name} is given twice")
        given[name] = value
    corpus = Path(given.get("corpus", "")).expanduser()
    if corpus.suffix in {".tsv", ".txt", ".zip"} or len(corpus.parts) > 1:
        given["corpus"] = str(corpus.resolve())  # the notebooks run in another folder
    return given


def assign_parameters(
    notebooks: Sequence[Path], given: Mapping[str, str]
) -> tuple[dict[str, dict[str, Any]], dict[str, Any]]:
    """Return for each notebook those given parameters that it declares, and the `COUNTS` of the whole run.

    A count that was not given is the default of the notebook on training, else of the first that declares it.
    ValueError if no notebook declares a name, or if a value does not fit.
    """
    declared = {path.stem: declared_parameters(path) for path in notebooks}
    known = sorted({name for parameters in declared.values() for name in parameters})
    if unknown := [name for name in given if name not in known]:
        raise ValueError(f"No notebook declares {', '.join(unknown)}. Known are {', '.join(known)}.")
    assigned: dict[str, dict[str, Any]] = {stem: {} for stem in declared}
    counts: dict[str, Any] = {}
    for stem in sorted(declared, key=lambda stem: stem != "04_training"):
        for name, (annotation, default) in declared[stem].items():
            if name in given:
                assigned[stem][name] = convert(name, given[name], annotation)
            counts.setdefault(name, assigned[stem].get(name, default))
    return assigned, {name: counts.get(name) for name in COUNTS}


def check_corpus(corpus: str, num_samples: int | None) -> None:
    """Load the corpus once, before any kernel starts; ValueError or OSError says what is wrong with it.

    >>> check_corpus("sample", 50)
    Traceback (most recent call last):
    ValueError: The notebooks need about 100 sentence pairs, some held out; of 50 in sample 0 are for testing.
    """
    import s2s_lib

    with warnings.catch_warnings(action="ignore"):  # notebook 01 shows them
        pairs = s2s_lib.split_pairs(s2s_lib.load_pairs(corpus, num_samples=num_samples))
    parts = pairs["split"].value_counts()
    few = [f"{parts.get(part, 0)} are for {name}" for part, name in PARTS.items() if parts.get(part, 0) < 2]
    if len(pairs) < LEAST_PAIRS or few:
        has = f"of {len(pairs):,} in {corpus} {', '.join(few)}" if few else f"{corpus} has {len(pairs)}"
        raise ValueError(f"The notebooks need about {LEAST_PAIRS} sentence pairs, some held out; {has}.")


def loads_translator(path: Path) -> bool:
    """Tell if a notebook calls ``train_or_load``, and so uses what another notebook may have trained."""
    return any("train_or_load(" in cell.source for cell in code_cells(path))


def may_begin(name: str, done: Mapping[str, Done], loaders: Sequence[str]) -> bool:
    """Tell if a notebook may begin: the translator it loads is there, or it is its turn to train it.

    ``loaders`` are the notebooks that load the translator, in order.

    >>> may_begin("05_inference", {}, ["04_training", "05_inference"])
    False
    >>> may_begin("05_inference", {"04_training": Done("", 9.5)}, ["04_training", "05_inference"])
    True
    """
    before = loaders[: loaders.index(name)] if name in loaders else []
    ended = [done[other] for other in before if other in done]
    return len(ended) == len(before) or any(not job.answer for job in ended)


# ---- executing them ----------------------------------------------------------------------------------------


def set_kernel_environment(cache: Path | None = None) -> None:
    """Set what kernels inherit: this environment's kernel, quiet logs, an empty cache for trained models."""
    if cache is not None:
        import s2s_lib

        cache.mkdir(exist_ok=True)
        data = os.environ.get("S2S_DATA_DIR") or s2s_lib.cache_dir()  # a downloaded corpus outlives the run
        os.environ |= {"S2S_DATA_DIR": str(data), "S2S_CACHE_DIR": str(cache.resolve())}
    if os.environ.get("S2S_DATA_DIR"):  # may be relative, and kernels run in other folders
        os.environ["S2S_DATA_DIR"] = str(Path(os.environ["S2S_DATA_DIR"]).expanduser().resolve())
    os.environ.pop("JUPYTER_PATH", None)
    os.environ |= {"JUPYTER_PREFER_ENV_PATH": "1", "PYDEVD_DISABLE_FILE_VALIDATION": "1"}
    os.environ["IPYTHONDIR"] = str(ROOT / "tools" / "ipython")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")  # two kernels share one GPU


def execute(source: Path, result: Path | None, parameters: Mapping[str, Any], folder: Path) -> NotebookNode:
    """Execute a notebook in a folder, saving ``result`` after each cell; raise where a cell fails."""
    import papermill

    logging.getLogger("papermill").setLevel(logging.ERROR)
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)  # would report each cell that Ctrl-C stops
    warnings.simplefilter("ignore")
    options: dict[str, Any] = {"kernel_name": "python3", "language": "python", "cwd": folder}
    options |= {"progress_bar": False, "extra_arguments": ["--log-level=ERROR"]}
    options["coalesce_streams"] = True  # a redrawn progress bar leaves one line
    try:
        return papermill.execute_notebook(source, result, parameters, **options)
    except RuntimeError as error:
        if "before replying" not in str(error):
            raise
        # Two kernels that started at once may have chosen the same port: the second to bind it died.
        return papermill.execute_notebook(source, result, parameters, **options)


def run_notebook(source: Path, output: Path, parameters: Mapping[str, Any]) -> None:
    """Run one notebook in the output folder."""
    from nbconvert import HTMLExporter

    partial = output / f"{source.stem}.partial.ipynb"
    notebook = execute(source, partial, parameters, output)
    exporter = HTMLExporter(raw_template=PAGE, embed_images=True)
    page, _ = exporter.from_notebook_node(notebook, {"metadata": {"name": source.stem}})
    with atomic_write(output / f"{source.stem}.html") as unfinished:
        unfinished.write_text(page, encoding="utf-8")
    partial.replace(output / f"{source.stem}.ipynb")


def publish_notebook(path: Path) -> None:
    """Run one notebook in its own folder, and replace it when it has run to its end."""
    notebook = execute(path, None, {}, path.parent)
    for cell in notebook.cells:
        if not cell.metadata.tags:  # papermill adds an empty list
            del cell.metadata["tags"]
        for output in cell.get("outputs", []):  # a widget is nothing without its kernel
            output.get("data", {}).pop("application/vnd.jupyter.widget-view+json", None)
    notebook.metadata.kernelspec = {"display_name": "Python 3", "language": "python", "name": "python3"}
    with atomic_write(path) as partial:
        nbformat.write(strip(notebook), partial)


def attempt(function: Callable[..., None], *arguments: Any) -> str:
    """Call a function on a notebook; return "", or where and why the notebook failed."""
    from papermill import PapermillExecutionError

    try:
        function(*arguments)
    except PapermillExecutionError as error:
        lines = f"{error.ename}: {error.evalue}".strip().splitlines()
        return f"In [{error.exec_count}]: {lines[0]}" + (f" ... {lines[-1]}" if lines[1:] else "")
    except Exception as error:
        return ": ".join([type(error).__name__, *str(error).strip().splitlines()[-1:]])
    return ""


# ---- run, tiny and lab -------------------------------------------------------------------------------------


def prepare_output(output: Path, notebooks: Sequence[Path]) -> None:
    """Make the output folder and remove an earlier run's files; ValueError if it is the notebooks' own.

    Checkpoints stay: a training that was interrupted goes on from there.
    """
    if output.resolve() in [path.parent.resolve() for path in notebooks]:
        raise ValueError(f"{output} holds the notebooks themselves. Choose another folder for the output.")
    output.mkdir(parents=True, exist_ok=True)
    for pattern in (NUMBERED + ".ipynb", NUMBERED + ".html", "summary.json"):
        for old in output.glob(pattern):
            old.unlink()
    for old in (output / "cache").glob("*"):
        if ".checkpoint" not in old.suffixes:
            shutil.rmtree(old) if old.is_dir() else old.unlink()


def run(options: argparse.Namespace) -> int:
    """Run the numbered notebooks into a folder, then show ten translations."""
    notebooks, output = numbered(options.notebooks), options.output
    assigned, counts = assign_parameters(notebooks, given_parameters(options))
    if counts["corpus"]:
        check_corpus(counts["corpus"], counts["num_samples"])
    prepare_output(output, notebooks)
    set_kernel_environment(output / "cache")
    start = time.monotonic()
    loaders = [path.stem for path in notebooks if loads_translator(path)]
    urgent_first = sorted(notebooks, key=lambda path: path.stem not in loaders)  # training takes longest
    jobs = {path.stem: (run_notebook, path, output, assigned[path.stem]) for path in urgent_first}
    ready = functools.partial(may_begin, loaders=loaders)
    with cluster(options.scheduler, most=len(jobs)) as client:
        processes = len(client.nthreads())
        done = dict(run_jobs(client, attempt, jobs, ready=ready))
    for partial in output.glob(NUMBERED + ".partial.ipynb"):
        partial.replace(output / partial.name.replace(".partial.", ".failed."))
    results = {path.stem: done[path.stem] for path in notebooks}
    translations = output / "cache" / "translations.json"  # notebook 06 writes it
    summary = counts | {
        "versions": versions(),
        "seconds": round(time.monotonic() - start, 1),
        "notebooks": [
            {"name": name, "seconds": round(seconds, 1), "ok": not reason}
            for name, (reason, seconds) in results.items()
        ],
        "translations": json.loads(translations.read_text(encoding="utf-8")) if translations.exists() else [],
    }
    write_json(summary, output / "summary.json")
    report(results, summary["translations"][:10])
    print(f"\nThis took {summary['seconds']:.1f} seconds, in {processes} processes.")
    print(f"The executed notebooks, as .ipynb and .html, are in {output}/")
    return int(any(result.answer for result in results.values()))


def versions() -> dict[str, str]:
    """Return the versions of Python and of what the notebooks stand on."""
    return {"python": platform.python_version()} | {name: metadata.version(name) for name in PACKAGES}


def report(results: Mapping[str, Done], translations: Sequence[Mapping[str, Any]]) -> None:
    """Print how each notebook went, and the translations."""
    from tabulate import tabulate

    ran: list[Sequence[str]] = [("notebook", "seconds", "result")]
    for name, (reason, seconds) in results.items():
        ran.append((name, f"{seconds:.1f}", f"failed, {reason}" if reason else "ok"))
    translated: list[Sequence[str]] = [("source", "translation", "✓ or a reference", "split")]
    for record in translations:
        references = [" ".join(text.split()) for text in record["references"]]  # whatever spaces it has
        right = " ".join(record["translation"].split()) in references
        mark = "✓" if right else record["references"][0]
        translated.append((record["source"], record["translation"], mark, record["split"]))
    for rows in (ran, translated) if translations else (ran,):
        print("\n" + tabulate(rows, "firstrow", tablefmt="plain", disable_numparse=True))


def tiny(_: argparse.Namespace) -> int:
    """Run all notebooks on 300 pairs for one epoch, with each corpus at hand, into build/tiny-CORPUS/."""
    for old in Path("build").glob("tiny-*"):
        shutil.rmtree(old)
    data = os.environ.get("S2S_DATA_DIR")
    has_real = bool(data and any(Path(data).expanduser().glob("fra*")))
    for corpus in ("sample", "fra-eng") if has_real else ("sample",):
        counts = ["--corpus", corpus, "--num-samples", "300", "--epochs", "1", *BRIEF]
        if failure := main(["run", *counts, "--output", f"build/tiny-{corpus}"]):
            return failure
    if not has_real:
        print("\n*** SKIPPED: the real corpus. Set S2S_DATA_DIR to a folder that holds fra-eng.zip. ***\n")
    return 0


def each(options: argparse.Namespace) -> int:
    """Run all notebooks on each of several corpora, into build/each-NAME/, and say how it went."""
    found = {}
    for corpus in options.corpora:
        output = Path("build") / f"each-{Path(corpus).stem}"
        given = ["--num-samples", options.num_samples, "--epochs", options.epochs, "--output", str(output)]
        start = time.monotonic()
        status = main(["run", "--corpus", corpus, *given, *BRIEF])
        faults = [f"{path.name}: {line}" for path in output.glob("*.ipynb") for line in glyph_warnings(path)]
        seconds = round(time.monotonic() - start, 1)
        found[Path(corpus).stem] = {"ok": not status and not faults, "seconds": seconds, "faults": faults}
        print("\n".join(faults))
    if options.json:
        write_json({"versions": versions(), "counts": given[:4], "corpora": found}, options.json)
    return int(not all(result["ok"] for result in found.values()))


def glyph_warnings(path: Path) -> list[str]:
    """Return the lines of a notebook's outputs that warn of a sign that no font has."""
    outputs = [output for cell in code_cells(path) for output in cell.outputs]
    texts = [str(output.get("text", "")) for output in outputs]
    return [line for text in texts for line in text.splitlines() if "missing from" in line]


def lab(_: argparse.Namespace) -> int:
    """Open copies of the notebooks in JupyterLab; what you write in them stays yours."""
    print(*exercises.copy_for_learner(COURSE, WORK), sep="\n")
    set_kernel_environment()
    os.execv(sys.executable, [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={WORK}"])


# ---- publish, check and link -------------------------------------------------------------------------------


def check(options: argparse.Namespace) -> int:
    """Say what is wrong with published notebooks."""
    found = [f"{path} {fault}" for path in options.notebooks or numbered(COURSE) for fault in faults(path)]
    print("\n".join(found), end="\n" * bool(found), file=sys.stderr)
    return int(bool(found))


def publish(options: argparse.Namespace) -> int:
    """Execute notebooks in place, at their defaults; one that fails stays as it was."""
    solved = [path for path in map(exercises.solutions_of, numbered(COURSE)) if path.exists()]
    options.notebooks = options.notebooks or numbered(COURSE) + solved
    for path in options.notebooks:
        if numbers := exercises.answered(path):
            raise ValueError(
                f"{path} holds answers to {', '.join(numbers)}: keep them elsewhere, as make lab does"
            )
    failed = False
    with tempfile.TemporaryDirectory(prefix="s2s-cache-") as folder:
        set_kernel_environment(Path(folder, "cache"))
        for path in tqdm(options.notebooks, unit="notebook", dynamic_ncols=True):  # some measure durations
            if reason := attempt(publish_notebook, path.resolve()):
                failed = True
                tqdm.write(f"{os.path.relpath(path)} stays as it was: {reason}", file=sys.stderr)
    return max(check(options), int(failed))


def link(options: argparse.Namespace) -> int:
    """Write Colab badges, links between notebooks, install cells, starters of exercises, recall questions."""
    lessons = numbered(COURSE)
    found = [fault for path in lessons for fault in exercises.derive(path, check=options.check)]
    print(*found, sep="\n", end="\n" * bool(found), file=sys.stderr)
    solved = [path for path in map(exercises.solutions_of, lessons) if path.exists()]
    return write_links(lessons, solved, check=options.check) or int(bool(found))


def check_exercises(options: argparse.Namespace) -> int:
    """Prove that each exercise knows its starter, its solution, its mistakes, and anything else."""
    set_kernel_environment()
    given = options.notebooks or [path for path in numbered(COURSE) if exercises.solutions_of(path).exists()]
    return exercises.check_exercises(given, options.json)


def anki(options: argparse.Namespace) -> int:
    """Write the recall questions as a file that Anki imports."""
    options.output.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(options.output) as partial:
        partial.write_text(exercises.anki(), encoding="utf-8")
    print(f"In Anki: File, Import, {options.output}")
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Return 0 if all is well, 1 if a notebook failed or has faults, 2 for wrong input, 130 after Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m tools.notebooks", allow_abbrev=False)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    parsers = {}
    for command in (run, tiny, each, lab, publish, check, link, check_exercises, anki):
        added = commands.add_parser(
            command.__name__.replace("_", "-"), help=command.__doc__, allow_abbrev=False
        )
        added.set_defaults(command=command)
        parsers[command] = added
    add = parsers[run].add_argument
    add("--corpus", help="sample, fra-eng, or the path of your own sentence pairs")
    add("--num-samples", help="use this many pairs, the first ones")
    add("--epochs", help="passes over the training pairs")
    add("--seed", help="of all random numbers")
    add("-p", "--parameter", action="append", default=[], metavar="NAME=VALUE")
    add("--params", default="", metavar='"NAME=VALUE ..."', help="several at once")
    add("--scheduler", default="", metavar="ADDRESS", help="of a Dask cluster that sees the same folders")
    add("--output", type=Path, default=Path("build/run"))
    add("--notebooks", type=Path, default=COURSE)
    add = parsers[each].add_argument
    add("corpora", nargs="+", metavar="CORPUS")
    add("--num-samples", default="3000")
    add("--epochs", default="1")
    add("--json", type=Path, help="write here how it went")
    parsers[check_exercises].add_argument("--json", type=Path, help="write here how each exercise answered")
    parsers[anki].add_argument("--output", type=Path, default=Path("build/recall.txt"))
    for command in (publish, check, check_exercises):
        parsers[command].add_argument("notebooks", nargs="*", type=Path, help="all numbered ones by default")
    parsers[link].add_argument("--check", action="store_true", help="only name the files that differ")
    options = parser.parse_args(arguments)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a screen or file that has no ✓ gets a question mark
            stream.reconfigure(errors="replace")
    try:
        return options.command(options)
    except (ValueError, OSError) as error:
        print(f"notebooks: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        finished = f" Finished notebooks are in {options.output}/" if "output" in options else ""
        print(f"\nInterrupted.{finished}", file=sys.stderr)
        return 130


if __name__ == "__main__":
    raise SystemExit(main())
