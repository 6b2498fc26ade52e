"""`python -m retrostats` is the console script `retrostats`."""

import sys

from retrostats.cli import main

if __name__ == "__main__":
    sys.exit(main())
