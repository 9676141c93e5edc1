"""`python -m arirecord`."""

from arirecord.cli import main

if __name__ == "__main__":
    main()
