"""`python -m gate.cli`."""

from gate.cli import main

main()
