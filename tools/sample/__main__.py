"""Generate the bundled sample, `s2s_lib/resources/sample.tsv`: `python -m tools.sample`."""

import sys
from collections.abc import Sequence

from s2s_lib.records import atomic_write
from tools.sample.patterns import sample
from tools.shared import RESOURCES, command_line

SAMPLE = RESOURCES / "sample.tsv"


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the sample, or check that the file holds what would be written."""
    parser = command_line(__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if the file differs")
    check = parser.parse_args(arguments).check
    text = sample()
    if check:
        if SAMPLE.is_file() and SAMPLE.read_bytes() == text.encode():
            return 0
        print(f"{SAMPLE} is not what the lexicon yields: run python -m tools.sample", file=sys.stderr)
        return 1
    with atomic_write(SAMPLE) as partial:
        partial.write_bytes(text.encode())
    print(f"{text.count(chr(10)):,} sentence pairs in {SAMPLE}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
