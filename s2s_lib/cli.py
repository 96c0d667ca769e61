"""The command line `s2s`: translate, train, evaluate and info (shown in 05_inference).

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
from collections.abc import Iterator, Sequence
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

    A file of any length needs little memory. OUTPUT grows as OUTPUT.partial; if the work is interrupted, give
    the same command again, and it goes on from there. A line that cannot be read never stops the rest.
    """
    from tqdm import tqdm

    with plain_errors():
        if sentences and input:
            stop("give sentences or --input, not both", 2)
        if not sentences and not input and sys.stdin.isatty():
            stop(
                'give sentences ("I love you."), --input FILE, or pipe lines in; see s2s translate --help', 2
            )
        imported = import_modules(modules)
        from s2s_lib import bundle, streams
        from s2s_lib.translator import Translator

        file = bundle.find(model)
        packed = file.read_bytes()
        translator = Translator.load(model)
        width = translator.settings.beam_width if beam_width is None else beam_width
        options = {"beam_width": width}
        translator.decoder(width)  # a wrong width ends here
        growing = None
        with contextlib.ExitStack() as stack:
            if sentences:
                stream: Any = io.BytesIO("\n".join(" ".join(s.split("\n")) for s in sentences).encode())
            else:
                stream = stack.enter_context(input.open("rb")) if input else sys.stdin.buffer
            client = stack.enter_context(streams.connect(scheduler)) if scheduler else None
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
            if client is not None:
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


@app.command()
def train(
    corpus: Annotated[str, typer.Argument(help="sample, fra-eng, or the path of your own sentence pairs")],
    output: Annotated[Path, typer.Option("--output", "-o", help="the translator's file, NAME.s2s")],
    samples: Annotated[int | None, typer.Option(help="use this many pairs, the first ones")] = None,
    epochs: Annotated[int | None, typer.Option(help="passes over the training pairs (12)")] = None,
    model: Annotated[
        str | None, typer.Option(help="attention, embedding, or one of yours (attention)")
    ] = None,
    latent_dim: Annotated[int | None, typer.Option(help="units of each recurrent layer (128)")] = None,
    embedding_dim: Annotated[int | None, typer.Option(help="width of both embeddings (32)")] = None,
    layers: Annotated[int | None, typer.Option(help="layers of encoder and decoder (1)")] = None,
    cell: Annotated[str | None, typer.Option(help="lstm or gru (lstm)")] = None,
    dropout: Annotated[float | None, typer.Option(help="share of values dropped (0)")] = None,
    batch_size: Annotated[int | None, typer.Option(help="sentence pairs in a batch (48)")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="the highest one (0.01)")] = None,
    max_length: Annotated[int | None, typer.Option(help="leave out pairs with a longer side")] = None,
    seed: Annotated[int | None, typer.Option(help="of everything random (0)")] = None,
    reverse: Annotated[bool, typer.Option("--reverse", help="swap source and target language")] = False,
    start: Annotated[str | None, typer.Option("--from", help="go on from this trained translator")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="go on from OUTPUT.checkpoint")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="replace a finished output")] = False,
    modules: Modules = None,
) -> None:
    """Train a translator on sentence pairs, and score it on the held-out part.

    After each epoch the state is written to OUTPUT.checkpoint; with --resume an interrupted training goes on
    from there, and ends with the same weights as one that was never interrupted.
    """
    given = {
        name: value
        for name, value in locals().items()
        if value is not None and name not in ("output", "samples", "start", "resume", "overwrite", "modules")
    }
    with plain_errors():
        from s2s_lib.streams import check_output

        check_output(output, overwrite=overwrite)
        checkpoint = output.with_name(output.name + ".checkpoint")
        if checkpoint.exists() and not resume:
            stop(f"{checkpoint} is left from a training that was interrupted: say --resume, or delete it")
        import_modules(modules)
        from s2s_lib.data.corpus import load_pairs
        from s2s_lib.data.splitting import split_pairs
        from s2s_lib.training import Recipe
        from s2s_lib.translator import Translator, train_translator

        begun = Translator.load(start) if start else None
        if begun:
            made = begun.model.specification
            sizes = {name: size for name, size in made.sizes.items() if not name.startswith("num_")}
            given = {"model": made.name, "fold_typography": begun.settings.fold_typography} | sizes | given
        recipe = Recipe(num_samples=samples, **given)
        pairs = split_pairs(load_pairs(recipe.corpus, num_samples=samples))
        translator = train_translator(
            pairs, recipe, checkpoint=checkpoint, start=begun, progress=sys.stderr.isatty()
        )
        translator.save(output, half_precision=True)
        for left in output.parent.glob(checkpoint.name + "*"):
            left.unlink()
        settings = translator.settings
        print(f"{output}: {settings.source_language} to {settings.target_language}")
        print_scores(Translator.load(output), recipe.corpus, samples, reverse=reverse)


def print_scores(translator: Any, corpus: str, samples: int | None, *, reverse: bool) -> None:
    """Print what a translator scores on the held-out part of its corpus, in a line a score."""
    from s2s_lib.evaluation import held_out as scoring

    try:
        test, fingerprint = scoring.held_out(corpus, num_samples=samples, reverse=reverse)
    except ValueError as error:  # too few pairs for a test part: the translator is there all the same
        return print(f"s2s: {error}", file=sys.stderr)
    found = scoring.score(translator.translate(list(test["source"])), list(test["references"]), split_hash="")
    for name, label in {"exact": "exactly right", "chrf": "chrF", "bleu": "BLEU"}.items():
        value, low, high = (found[name][key] for key in ("score", "low", "high"))
        scale, unit = (100, " %") if name == "exact" else (1, "")
        print(f"{label:<14} {scale * value:5.1f}{unit} ({scale * low:.1f} to {scale * high:.1f})")
    print(f"on {len(test):,} held-out sources; split {fingerprint[:12]}")


@app.command()
def evaluate(
    model: Annotated[str, typer.Argument(help="a .s2s file, or a translator that ships")] = "fra-eng",
    corpus: Annotated[
        str | None, typer.Argument(help="sentence pairs; default: those of its training")
    ] = None,
    samples: Annotated[int | None, typer.Option(help="use this many pairs, the first ones")] = None,
    hypotheses: Annotated[Path | None, typer.Option(help="score these lines instead of the model's")] = None,
    write_sources: Annotated[Path | None, typer.Option(help="write the held-out sources here")] = None,
    beam_width: Annotated[int | None, typer.Option(help="hypotheses kept; 1 is greedy")] = None,
    as_json: Json = None,
    modules: Modules = None,
) -> None:
    """Score a translator, or translations of your own, on the held-out part of a corpus.

    All of fra-eng gives the frozen test set of this course. For translations of your own, write the sources
    first, translate them line by line, then give the file as --hypotheses.
    """
    with plain_errors():
        import_modules(modules)
        from s2s_lib.evaluation import held_out as scoring
        from s2s_lib.records import atomic_write, write_json

        translator = None
        if not (hypotheses or write_sources):
            from s2s_lib.translator import Translator

            translator = Translator.load(model)
        recipe = translator.settings.record.get("recipe", {}) if translator else {}
        name = corpus or recipe.get("corpus") or "fra-eng"
        if samples is None and name == recipe.get("corpus"):
            samples = recipe.get("num_samples")  # the split that it was trained on
        test, fingerprint = scoring.held_out(name, num_samples=samples, reverse=bool(recipe.get("reverse")))
        if write_sources:
            with atomic_write(write_sources) as partial:
                partial.write_text("\n".join(test["source"]) + "\n", encoding="utf-8")
        if hypotheses:
            texts = scoring.read_hypotheses(hypotheses, num_sources=len(test))
        elif translator is not None:
            texts = translator.translate(list(test["source"]), beam_width=beam_width)
        else:
            return
        scores = scoring.score(texts, list(test["references"]), split_hash=fingerprint)
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


def run(arguments: Sequence[str] | None = None) -> int:
    """Run a command line, by default this process's; return the exit status."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        app(None if arguments is None else list(arguments), prog_name="s2s")
    except SystemExit as stopped:
        return int(stopped.code or 0)
    return 0


def main() -> NoReturn:
    """Run this process's command line, and end with its exit status."""
    sys.exit(run())
