"""`python -m retrostats` is the console script `retrostats`."""

import sys

from retrostats.common.interrupt import quit_on_interrupt


def main() -> int:
    """Run one command; Ctrl-C ends it with one line from the first import on."""
    quit_on_interrupt()
    from retrostats.common.exit_codes import refuse_little_memory

    refuse_little_memory()
    from retrostats.app.cli import main as command

    return command()


if __name__ == "__main__":
    sys.exit(main())
