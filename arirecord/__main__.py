"""`python -m arirecord`."""

from arirecord.cli import main

main()
