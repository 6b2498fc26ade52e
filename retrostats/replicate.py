"""`python -m retrostats.replicate`: the main job; the path itself is `retrostats/app/path.py`.

The one module that is named as a public function is: `retrostats.replicate` stays the function.
"""

from __future__ import annotations

import sys
from typing import Any

if __name__ == "__main__":  # before the imports, which it concerns most
    from retrostats.common.interrupt import quit_on_interrupt

    quit_on_interrupt()
    from retrostats.common.exit_codes import as_one_command, refuse_little_memory

    refuse_little_memory()
    as_one_command()
    from retrostats.app.terminal import main

    def _path(*args: Any, **options: Any) -> Any:
        """The path, imported when it is taken: help and kept results need none of it."""
        from retrostats.app.path import replicate

        return replicate(*args, **options)

    sys.exit(main(_path))

from retrostats.app.path import replicate

__all__ = ["replicate"]
