"""The command `arirecord`, also as `python -m arirecord`."""

from arirecord.startup import end_at_ctrl_c, fit_address_space

__all__ = ["main"]


def main() -> None:
    """Run the command with the arguments of the process."""
    end_at_ctrl_c()
    fit_address_space()
    from arirecord.cli import main as run

    run()


if __name__ == "__main__":
    main()
