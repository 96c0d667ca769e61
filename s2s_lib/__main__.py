"""`python -m s2s_lib` is the command `s2s` (shown in 05_inference)."""

from s2s_lib.cli import main

main()
