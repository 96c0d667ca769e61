"""`python -m s2s_lib` is the command `s2s`."""

from s2s_lib.cli import main

main()
