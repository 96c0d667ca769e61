"""Run every numbered notebook, and show what the course translates; `make run` calls this.

Two notebooks run at once. Those that call ``train_or_load`` share one translator: the first of them trains
it, the others wait and then load it; the rest need nothing of each other.

Each notebook gets those parameters that its cell tagged ``parameters`` declares. Finished notebooks stand in
the output folder as ``NAME.ipynb`` and ``NAME.html``, one that failed as ``NAME.failed.ipynb``;
``summary.json`` holds what ran, for how long, and what was translated.
"""

import argparse
import ast
import json
import logging
import os
import platform
import shlex
import shutil
import sys
import time
import warnings
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.append(str(ROOT))  # a program started by its path finds only what stands beside it

from tools.lanes import side_by_side  # noqa: E402

NUM_LANES = 2  # notebooks at once
COUNTS = ("corpus", "num_samples", "epochs", "seed")
VERSIONS = ("keras", "tensorflow", "numpy", "pandas", "matplotlib", "sacrebleu", "s2s-course")
NUMBERED = "[0-9][0-9]_*"
# nbconvert's own lab page, but that pictures keep the alt text their notebook gives them.
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


def code_cells(path):
    """Return the code cells of a notebook, as they stand in its file.

    Parameters
    ----------
    path : Path

    Returns
    -------
    list of dict
    """
    cells = json.loads(Path(path).read_text(encoding="utf-8"))["cells"]
    return [cell for cell in cells if cell["cell_type"] == "code"]


def loads_translator(path):
    """Tell whether a notebook calls ``train_or_load``, and so reads what another of the course has trained.

    Parameters
    ----------
    path : Path

    Returns
    -------
    bool
    """
    return any("train_or_load(" in "".join(cell["source"]) for cell in code_cells(path))


def may_begin(name, reasons, loaders):
    """Tell whether a notebook may begin: the translator that it loads is there, or it is its turn to train.

    Parameters
    ----------
    name : str
    reasons : dict of str to str
        For each notebook that has ended "" or why it failed.
    loaders : list of str
        The notebooks that load a translator, in order.

    Returns
    -------
    bool

    Examples
    --------
    >>> may_begin("05_inference", {}, ["04_training", "05_inference"])
    False
    >>> may_begin("05_inference", {"04_training": ""}, ["04_training", "05_inference"])
    True
    """
    if name not in loaders:
        return True
    before = [reasons.get(other) for other in loaders[: loaders.index(name)]]
    return "" in before or None not in before  # one has trained, or all that could have failed


def declared_parameters(path):
    """Read the names, types and defaults in a notebook's cell tagged ``parameters``.

    Parameters
    ----------
    path : Path
        A notebook whose parameters cell holds lines like ``epochs: int = 20  # passes over the data``.

    Returns
    -------
    dict of str to (str, object)
        For each name its annotation (the default's type where it has none) and its default.
    """
    declared = {}
    for cell in code_cells(path):
        if "parameters" not in cell["metadata"].get("tags", []):
            continue
        for node in ast.parse("".join(cell["source"])).body:
            if isinstance(node, ast.AnnAssign) and node.value is not None:
                default = ast.literal_eval(node.value)
                declared[node.target.id] = (ast.unparse(node.annotation), default)
            elif isinstance(node, ast.Assign):
                default = ast.literal_eval(node.value)
                declared[node.targets[0].id] = (type(default).__name__, default)
    return declared


def convert(name, text, annotation):
    """Turn what was typed into the declared type.

    Parameters
    ----------
    name, text, annotation : str
        ``annotation`` is one of int, float, bool and str, or several of them and None joined by ``|``.

    Returns
    -------
    int, float, bool, str or None

    Raises
    ------
    ValueError
        Where no declared type fits.

    Examples
    --------
    >>> convert("num_samples", "10_000", "int | None"), convert("reverse", "no", "bool")
    (10000, False)
    """
    readers = {
        "None": {"none": None, "null": None},
        "bool": {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False},
        "int": int,
        "float": float,
        "str": str,
    }
    kinds = [kind.strip() for kind in annotation.split("|")]
    for kind, read in readers.items():
        if kind in kinds:
            try:
                return read[text.lower()] if isinstance(read, dict) else read(text)
            except (KeyError, ValueError):
                continue
    raise ValueError(f"{name}={text} is not of the declared type: {annotation}.")


def assign_parameters(notebooks, given):
    """Give each notebook those parameters that it declares.

    Parameters
    ----------
    notebooks : list of Path
    given : dict of str to str
        What was typed.

    Returns
    -------
    dict of str to dict
        For each notebook's name its parameters, converted.
    dict of str to object
        The effective ``corpus``, ``num_samples``, ``epochs`` and ``seed``: as given, or by default as in the
        notebook on training, or else in the first that declares it.

    Raises
    ------
    ValueError
        Where no notebook declares a name, or a value does not fit.
    """
    declared = {path.stem: declared_parameters(path) for path in notebooks}
    known = sorted({name for names in declared.values() for name in names})
    unknown = [name for name in given if name not in known]
    if unknown:
        raise ValueError(f"No notebook declares {', '.join(unknown)}. Known are {', '.join(known)}.")
    assigned = {
        stem: {name: convert(name, given[name], kind) for name, (kind, _) in names.items() if name in given}
        for stem, names in declared.items()
    }
    effective = {}
    for name in COUNTS:
        having = sorted(
            (stem for stem in declared if name in declared[stem]), key=lambda s: (s != "04_training", s)
        )
        values = [assigned[stem].get(name, declared[stem][name][1]) for stem in having]
        effective[name] = values[0] if values else None
    return assigned, effective


def prepare_output(output, notebooks):
    """Make the output folder, and remove what an earlier run left there.

    Parameters
    ----------
    output : Path
    notebooks : list of Path

    Raises
    ------
    ValueError
        Where the folder is the notebooks' own.
    """
    if any(path.parent.resolve() == output.resolve() for path in notebooks):
        raise ValueError(f"{output} holds the notebooks themselves. Choose another folder for the output.")
    output.mkdir(parents=True, exist_ok=True)
    for old in [
        *output.glob(NUMBERED + ".ipynb"),
        *output.glob(NUMBERED + ".html"),
        *output.glob("summary.json*"),
    ]:
        old.unlink()
    shutil.rmtree(output / "cache", ignore_errors=True)


def prepare_kernels(output):
    """Set what the kernels inherit: a fresh cache, a place for corpora, our own kernel, no noise.

    Parameters
    ----------
    output : Path
    """
    import pooch

    data = os.environ.get("S2S_DATA_DIR") or os.environ.get("S2S_CACHE_DIR") or pooch.os_cache("s2s_lib")
    os.environ["S2S_DATA_DIR"] = str(Path(data).expanduser().resolve())  # a download outlives the run
    os.environ["S2S_CACHE_DIR"] = str(output.resolve() / "cache")
    (output / "cache").mkdir()
    os.environ.pop("JUPYTER_PATH", None)
    os.environ["JUPYTER_PREFER_ENV_PATH"] = "1"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ["IPYTHONDIR"] = str(ROOT / "tools" / "ipython")
    os.environ["PYDEVD_DISABLE_FILE_VALIDATION"] = "1"


def write_html(notebook, path):
    """Write an executed notebook as one page that holds its pictures.

    Parameters
    ----------
    notebook : nbformat.NotebookNode
    path : Path
    """
    from nbconvert import HTMLExporter

    exporter = HTMLExporter(raw_template=PAGE, embed_images=True)
    page, _ = exporter.from_notebook_node(notebook, {"metadata": {"name": path.stem}})
    write_text(path, page)


def write_text(path, text):
    """Write a file whole or not at all.

    Parameters
    ----------
    path : Path
    text : str
    """
    partial = path.with_name(path.name + ".partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)


def run_notebook(source, output, parameters):
    """Run one notebook in the output folder.

    Parameters
    ----------
    source, output : Path
    parameters : dict

    Returns
    -------
    str
        "" where it ran to its end, else one line that says where and why it stopped.
    """
    import papermill

    logging.getLogger("papermill").setLevel(logging.ERROR)
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)  # it would lament each cell that Ctrl-C stops
    warnings.simplefilter("ignore")
    stem = source.stem
    partial = output / f"{stem}.partial.ipynb"
    options = {"kernel_name": "python3", "language": "python", "cwd": str(output), "progress_bar": False}
    options["coalesce_streams"] = True  # a progress bar leaves one line, not one for each time it was drawn
    options["extra_arguments"] = ["--log-level=ERROR"]  # the kernel's own talk stays off the screen
    try:
        try:
            notebook = papermill.execute_notebook(str(source), str(partial), parameters, **options)
        except RuntimeError as error:
            if "before replying" not in str(error):
                raise
            # Two kernels that start at once may have chosen one port: the second to bind it dies.
            notebook = papermill.execute_notebook(str(source), str(partial), parameters, **options)
        write_html(notebook, output / f"{stem}.html")
    except Exception as error:
        if partial.exists():
            partial.replace(output / f"{stem}.failed.ipynb")
        if isinstance(error, papermill.exceptions.PapermillExecutionError):
            reason = f"{error.ename}: {error.evalue}".strip().splitlines()
            return f"In [{error.exec_count}]: {reason[0]}" + (f" ... {reason[-1]}" if len(reason) > 1 else "")
        return f"{type(error).__name__}: {str(error).strip().splitlines()[-1] if str(error).strip() else ''}"
    partial.replace(output / f"{stem}.ipynb")
    return ""


def reasons_of(ended):
    """Return for each notebook that has ended "" or why it failed.

    Parameters
    ----------
    ended : dict of str to tools.lanes.Done

    Returns
    -------
    dict of str to str
    """
    return {
        name: "the process that ran it was killed: out of memory?" if done.answer is None else done.answer
        for name, done in ended.items()
    }


def run_course(notebooks, output, given):
    """Run the notebooks, two at once; each stands alone, so one that fails stops no other.

    Parameters
    ----------
    notebooks : list of Path
    output : Path
    given : dict of str to str

    Returns
    -------
    dict
        What ``summary.json`` holds.
    list of str
        For each notebook "" or why it failed.
    """
    from tqdm import tqdm

    assigned, effective = assign_parameters(notebooks, given)
    prepare_output(output, notebooks)
    prepare_kernels(output)
    start = time.monotonic()
    loaders = [path.stem for path in notebooks if loads_translator(path)]
    urgent_first = sorted(notebooks, key=lambda path: path.stem not in loaders)  # training takes longest
    with tqdm(total=len(notebooks), unit="notebook", file=sys.stderr, dynamic_ncols=True) as bar:

        def watch(names, ended):
            bar.set_description(", ".join(sorted(names)), refresh=False)
            bar.update(len(ended) - bar.n)
            bar.refresh()

        ended = side_by_side(
            run_notebook,
            {path.stem: (path, output, assigned[path.stem]) for path in urgent_first},
            num_lanes=NUM_LANES,
            ready=lambda name, ended: may_begin(name, reasons_of(ended), loaders),
            watch=watch,
        )
    reasons = [reasons_of(ended)[path.stem] for path in notebooks]
    results = [
        {"name": path.stem, "seconds": round(ended[path.stem].seconds, 1), "ok": not reason}
        for path, reason in zip(notebooks, reasons, strict=True)
    ]
    for partial in output.glob(NUMBERED + ".partial.ipynb"):  # of a process that died
        partial.replace(output / partial.name.replace(".partial.", ".failed."))
    translations = output / "cache" / "translations.json"
    versions = {"python": platform.python_version()} | {name: metadata.version(name) for name in VERSIONS}
    summary = effective | {"versions": versions, "seconds": round(time.monotonic() - start, 1)}
    summary |= {"notebooks": results, "translations": []}
    if translations.exists():
        summary["translations"] = json.loads(translations.read_text(encoding="utf-8"))
    write_text(output / "summary.json", json.dumps(summary, ensure_ascii=False, indent=1) + "\n")
    return summary, reasons


def table(rows, header):
    """Lay out rows under a header, columns as wide as they need.

    Parameters
    ----------
    rows : list of tuple of str
    header : tuple of str

    Returns
    -------
    str

    Examples
    --------
    >>> print(table([("01_data", "3.5")], ("notebook", "seconds")))
    notebook  seconds
    01_data   3.5
    """
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        for row in [header, *rows]
    ]
    return "\n".join(line.rstrip() for line in lines)


def report(summary, reasons, output):
    """Print what ran, and ten translations.

    Parameters
    ----------
    summary : dict
    reasons : list of str
    output : Path
    """
    results = summary["notebooks"]
    rows = [
        (result["name"], f"{result['seconds']:.1f}", f"failed, {reason}" if reason else "ok")
        for result, reason in zip(results, reasons, strict=True)
    ]
    print("\n" + table(rows, ("notebook", "seconds", "result")))
    if summary["translations"]:
        rows = [
            (
                record["source"],
                record["translation"],
                "✓" if right(record) else record["references"][0],
                record["split"],
            )
            for record in summary["translations"][:10]
        ]
        print("\n" + table(rows, ("source", "translation", "✓ or a reference", "split")))
    print(f"\nAll took {summary['seconds']:.1f} seconds, {NUM_LANES} notebooks at once.")
    print(f"The notebooks with their outputs, as .ipynb and .html: {output}/")


def right(record):
    """Whether a translation equals one of its references, whatever the width of its spaces.

    Parameters
    ----------
    record : dict

    Returns
    -------
    bool
    """
    return " ".join(record["translation"].split()) in [
        " ".join(text.split()) for text in record["references"]
    ]


def parse_arguments(arguments):
    """Read the command line.

    Parameters
    ----------
    arguments : list of str

    Returns
    -------
    list of Path, Path, dict of str to str
        Notebooks, output folder, and the parameters as typed.
    """
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0], allow_abbrev=False)
    parser.add_argument("--corpus", help="sample, fra-eng, or the path of your own sentence pairs")
    parser.add_argument("--num-samples", help="use the first so many pairs")
    parser.add_argument("--epochs", help="passes over the training pairs")
    parser.add_argument("--seed", help="what the random numbers start from")
    parser.add_argument("-p", "--parameter", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--params", default="", metavar='"NAME=VALUE ..."', help="several at once")
    parser.add_argument("--output", type=Path, default=Path("build/run"))
    parser.add_argument("--notebooks", type=Path, default=ROOT / "notebooks")
    options = parser.parse_args(arguments)
    notebooks = sorted(options.notebooks.glob(NUMBERED + ".ipynb"))
    if not notebooks:
        parser.error(f"no numbered notebook in {options.notebooks}")
    given = {name: getattr(options, name) for name in COUNTS if getattr(options, name)}
    for pair in [*options.parameter, *shlex.split(options.params)]:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            parser.error(f"{pair} is not of the form name=value")
        if name in given:
            parser.error(f"{name} is given twice")
        given[name] = value
    corpus = Path(given.get("corpus", "")).expanduser()
    if corpus.suffix in {".tsv", ".txt", ".zip"} or len(corpus.parts) > 1:
        given["corpus"] = str(corpus.resolve())  # the notebooks run in another folder
    return notebooks, options.output, given


def main(arguments=None):
    """Run the course from the command line.

    Parameters
    ----------
    arguments : list of str, optional

    Returns
    -------
    int
        0 where every notebook ran to its end, 1 where one failed, 2 where none could run, 130 if stopped.
    """
    notebooks, output, given = parse_arguments(arguments)
    try:
        summary, reasons = run_course(notebooks, output, given)
    except (ValueError, OSError) as error:
        print(f"run_course: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"\nInterrupted. What was finished stands in {output}/", file=sys.stderr)
        return 130
    report(summary, reasons, output)
    return int(any(reasons))


if __name__ == "__main__":
    raise SystemExit(main())
