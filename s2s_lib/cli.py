"""The command line: `s2s translate`, `train`, `evaluate` and `info` (`python -m s2s_lib` is the same).

Exit status: 0 if all is well, 1 if the work failed, 2 if the command line cannot be understood, 130 after
Ctrl-C. Results go to standard output; everything else goes to standard error.
"""

import contextlib
import importlib
import io
import json
import os
import sys
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Translate sentences with a character-level encoder-decoder, train your own, and score it.",
)

Model = Annotated[str, typer.Option(help="a .s2s file, or a translator that ships: fra-eng, sample")]
Modules = Annotated[
    list[str] | None,
    typer.Option("--import", metavar="MODULE", help="import this first; it may register a model of yours"),
]
Json = Annotated[Path | None, typer.Option("--json", metavar="FILE", help="write the result here too")]


def stop(message: object, status: int = 1) -> NoReturn:
    """End with a sentence on standard error."""
    print(f"s2s: {message}", file=sys.stderr)
    raise typer.Exit(status)


@contextlib.contextmanager
def plain_errors() -> Iterator[None]:
    """Turn what the reader can mend into one sentence, and warnings into plain lines."""
    warnings.showwarning = lambda message, *_, **__: print(f"s2s: {message}", file=sys.stderr)
    try:
        yield
    except BrokenPipeError:  # `s2s translate … | head` has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(0) from None
    except (ValueError, TypeError, OSError, ImportError) as error:
        stop(error)
    except KeyboardInterrupt:
        stop("interrupted", 130)


def import_modules(modules: list[str] | None) -> list[str]:
    """Import modules from the current folder or the environment; return their names."""
    sys.path.insert(0, os.getcwd())
    for module in modules or []:
        importlib.import_module(module)
    return modules or []


@app.command()
def translate(
    sentences: Annotated[list[str] | None, typer.Argument(help="sentences; none: read lines")] = None,
    input: Annotated[Path | None, typer.Option("--input", "-i", help="a file, one sentence a line")] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="write the translations here")] = None,
    model: Model = "fra-eng",
    beam_width: Annotated[int | None, typer.Option(help="hypotheses kept; 1 is greedy")] = None,
    scheduler: Annotated[str | None, typer.Option(help="a Dask scheduler: tcp://HOST:PORT")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="replace a finished output")] = False,
    modules: Modules = None,
) -> None:
    """Translate sentences, a file, or what a pipe brings, line by line.

    A file of any length needs little memory. OUTPUT grows as OUTPUT.partial; if the work is interrupted, give the
    same command again, and it goes on from there. A line that cannot be read as text never stops the rest.
    """
    from tqdm import tqdm

    with plain_errors():
        if sentences and input:
            stop("give sentences or --input, not both", 2)
        if not sentences and not input and sys.stdin.isatty():
            stop('give sentences ("I love you."), --input FILE, or pipe lines in; see s2s translate --help', 2)
        imported = import_modules(modules)
        from s2s_lib import bundle, streams
        from s2s_lib.translator import Translator

        file = bundle.find(model)
        packed = file.read_bytes()
        translator = Translator.load(model)
        options = {"beam_width": beam_width or translator.settings.beam_width}
        translator.decoder(options["beam_width"])  # a wrong width ends here
        growing = None
        with contextlib.ExitStack() as stack:
            if sentences:
                stream: Any = io.BytesIO("\n".join(" ".join(s.split("\n")) for s in sentences).encode())
            else:
                stream = stack.enter_context(input.open("rb")) if input else sys.stdin.buffer
            if output:
                regular = input is not None and input.is_file()
                job = {
                    "input": streams.digest_of(stream) if regular else f"a stream, process {os.getpid()}",
                    "model": streams.digest_of(io.BytesIO(packed)),
                    "options": options,
                }
                if regular:
                    stream.seek(0)
                growing = streams.GrowingOutput(output, job)
                growing.begin(overwrite=overwrite)
            noticed: Counter[str] = Counter()
            parts = streams.chunks(streams.read_lines(stream, noticed))
            done = growing.done if growing else 0
            for _ in range(done // streams.LINES_AT_ONCE):
                next(parts)
            noticed.clear()
            if scheduler:
                client = stack.enter_context(connect(scheduler))
                answers = streams.translate_on_workers(client, packed, parts, options, imported)
            else:
                answers = streams.translate_here(translator, parts, options)
            bar = tqdm(initial=done, unit=" lines", disable=not (output and sys.stderr.isatty()))
            for texts, found in answers:
                noticed.update(found)
                if growing:
                    growing.append(texts)
                else:
                    sys.stdout.buffer.write("".join(text + "\n" for text in texts).encode())
                    sys.stdout.flush()
                bar.update(len(texts))
            bar.close()
            if growing:
                growing.finish()
        for what, count in noticed.items():
            print(f"s2s: {count:,} {what}", file=sys.stderr)


@contextlib.contextmanager
def connect(scheduler: str) -> Iterator[Any]:
    """Yield a Dask client, or raise OSError or ImportError that says what to do."""
    try:
        from distributed import Client
    except ImportError:
        raise ImportError("--scheduler needs Dask: pip install 's2s-course[cluster]'") from None
    try:
        client = Client(scheduler, timeout=10, set_as_default=False)
    except (OSError, ValueError) as error:
        raise OSError(f"no Dask scheduler answers at {scheduler} ({error})") from error
    with client:
        if not client.nthreads():
            raise OSError(f"the Dask scheduler at {scheduler} has no workers; start some first")
        yield client


@app.command()
def train(
    corpus: Annotated[str, typer.Argument(help="sample, fra-eng, or the path of your own sentence pairs")],
    output: Annotated[Path, typer.Option("--output", "-o", help="the translator's file, NAME.s2s")],
    samples: Annotated[int | None, typer.Option(help="use this many pairs, the first ones")] = None,
    epochs: Annotated[int, typer.Option(help="passes over the training pairs")] = 12,
    model: Annotated[str, typer.Option(help="attention, embedding, or one that you registered")] = "attention",
    latent_dim: Annotated[int, typer.Option(help="units of each LSTM or GRU")] = 128,
    layers: Annotated[int, typer.Option(help="layers of encoder and decoder")] = 1,
    cell: Annotated[str, typer.Option(help="lstm or gru")] = "lstm",
    dropout: Annotated[float, typer.Option(help="share of values dropped in training")] = 0.0,
    batch_size: Annotated[int, typer.Option(help="sentence pairs in a batch")] = 48,
    learning_rate: Annotated[float, typer.Option(help="the highest one")] = 1e-2,
    reverse: Annotated[bool, typer.Option("--reverse", help="swap source and target language")] = False,
    seed: Annotated[int, typer.Option(help="of everything random")] = 0,
    resume: Annotated[bool, typer.Option("--resume", help="go on from OUTPUT.checkpoint")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="replace a finished output")] = False,
    modules: Modules = None,
) -> None:
    """Train a translator on sentence pairs, and score it on the held-out part.

    After each epoch the state is written to OUTPUT.checkpoint; with --resume an interrupted training goes on from
    there, and ends with the same weights as one that was never interrupted.
    """
    with plain_errors():
        if output.exists() and not overwrite:
            stop(f"{output} is there already; choose another name or say --overwrite")
        if not output.parent.is_dir():
            stop(f"{output}: there is no folder {output.parent}; make it first")
        checkpoint = output.with_name(output.name + ".checkpoint")
        if checkpoint.exists() and not resume:
            stop(f"{checkpoint} is left from a training that was interrupted: say --resume, or delete it")
        import_modules(modules)
        from s2s_lib.data.corpus import load_pairs
        from s2s_lib.data.splitting import split_pairs
        from s2s_lib.training import Recipe
        from s2s_lib.translator import train_translator

        recipe = Recipe(
            corpus=corpus,
            num_samples=samples,
            epochs=epochs,
            model=model,
            latent_dim=latent_dim,
            layers=layers,
            cell=cell,
            dropout=dropout,
            batch_size=batch_size,
            learning_rate=learning_rate,
            reverse=reverse,
            seed=seed,
        )
        pairs = split_pairs(load_pairs(recipe.corpus, num_samples=recipe.num_samples))
        translator = train_translator(pairs, recipe, checkpoint=checkpoint, progress=sys.stderr.isatty())
        translator.save(output, half_precision=True)
        for left in output.parent.glob(checkpoint.name + "*"):
            left.unlink()
        print(f"{output}: {translator.settings.source_language} to {translator.settings.target_language}")
        score_and_print(translator, pairs, reverse=reverse)


@app.command()
def evaluate(
    model: Annotated[str, typer.Argument(help="a .s2s file, or a translator that ships")] = "fra-eng",
    corpus: Annotated[str | None, typer.Argument(help="sentence pairs; default: what it was trained on")] = None,
    samples: Annotated[int | None, typer.Option(help="use this many pairs, the first ones")] = None,
    hypotheses: Annotated[Path | None, typer.Option(help="score these lines instead of the model's")] = None,
    write_sources: Annotated[Path | None, typer.Option(help="only write the held-out sources here")] = None,
    beam_width: Annotated[int | None, typer.Option(help="hypotheses kept; 1 is greedy")] = None,
    as_json: Json = None,
    modules: Modules = None,
) -> None:
    """Score a translator, or translations of your own, on the held-out part of a corpus.

    The corpus fra-eng gives the frozen test set of this course, which no training of it has seen. With your own
    translations, write the sources first, translate them line by line, then give the file as --hypotheses.
    """
    with plain_errors():
        import_modules(modules)
        from s2s_lib import evaluate as scoring
        from s2s_lib.records import atomic_write, write_json

        translator = None
        if not (hypotheses or write_sources):
            from s2s_lib.translator import Translator

            translator = Translator.load(model)
        recipe = translator.settings.record.get("recipe", {}) if translator else {}
        name = corpus or recipe.get("corpus") or "fra-eng"
        if samples is None and Path(name).stem == Path(str(recipe.get("corpus"))).stem:
            samples = recipe.get("num_samples")  # the split that it was trained on
        held_out, fingerprint = scoring.held_out(name, num_samples=samples, reverse=bool(recipe.get("reverse")))
        if write_sources:
            with atomic_write(write_sources) as partial:
                partial.write_text("\n".join(held_out["source"]) + "\n", encoding="utf-8")
            return
        if hypotheses:
            texts = scoring.read_hypotheses(hypotheses, num_sources=len(held_out))
        else:
            assert translator is not None
            texts = translator.translate(list(held_out["source"]), beam_width=beam_width)
        scores = scoring.score(texts, list(held_out["references"]), split_hash=fingerprint)
        if as_json:
            write_json(scores, as_json)
        print(json.dumps(scores, indent=1, ensure_ascii=False))


@app.command()
def info(
    model: Annotated[str, typer.Argument(help="a .s2s file, or a translator that ships")],
    as_json: Json = None,
    modules: Modules = None,
) -> None:
    """Say what a translator's file holds: languages, sizes, limits, and how it was trained."""
    with plain_errors():
        import_modules(modules)
        from s2s_lib import bundle, records, streams

        file = bundle.find(model)
        held = bundle.read(file)
        settings = dict(held.settings)
        record = settings.pop("record", {})
        data = file.read_bytes()
        said = {
            "file": str(file),
            "bytes": len(data),
            "sha256": streams.digest_of(io.BytesIO(data)),
            "model": held.model,
            "sizes": dict(held.sizes),
            "parameters": sum(int(weight.size) for weight in held.weights.values()),
            "source characters": len(held.source_vocabulary.characters),
            "target characters": len(held.target_vocabulary.characters),
            **settings,
            "trained by": record.get("recipe", {}),
        }
        if as_json:
            records.write_json(said, as_json)
        for key, value in said.items():
            shown = ", ".join(f"{k} {v}" for k, v in value.items()) if isinstance(value, dict) else value
            print(f"{key.replace('_', ' '):<20} {format(shown, ',') if type(shown) is int else shown}")


def main() -> None:
    """Run the command line."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    app()
