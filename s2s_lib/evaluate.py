"""The old form of `s2s evaluate`, for the frozen test set alone, still answers (see notebook 09_scores).

python -m s2s_lib.evaluate --write-sources sources.txt
python -m s2s_lib.evaluate --hypotheses translations.txt --json scores.json
"""

import sys
from collections.abc import Sequence

from s2s_lib import cli


def main(arguments: Sequence[str] | None = None) -> int:
    """Answer by the new command."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if not {"--write-sources", "--hypotheses", "--help", "-h"} & {part.split("=")[0] for part in arguments}:
        print("say --write-sources FILE or --hypotheses FILE", file=sys.stderr)
        return 2
    return cli.run(["evaluate", "fra-eng", "fra-eng", *arguments])


if __name__ == "__main__":
    sys.exit(main())
