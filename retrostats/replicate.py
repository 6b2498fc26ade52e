"""`python -m retrostats.replicate`: the main job; the path itself is `retrostats/app/path.py`.

The one module that is named as a public function is: `retrostats.replicate` stays the function.
"""

from __future__ import annotations

import sys

if __name__ == "__main__":  # before the imports, which it concerns most
    from retrostats.common.interrupt import quit_on_interrupt

    quit_on_interrupt()
    from retrostats.common.exit_codes import as_one_command, refuse_little_memory

    refuse_little_memory()
    as_one_command()
    if sys.argv[1:] in (["-h"], ["--help"]):  # what is asked for needs none of them
        from retrostats.app.terminal import main

        sys.exit(main(print))

from retrostats.app.path import replicate

__all__ = ["replicate"]

if __name__ == "__main__":
    from retrostats.app.terminal import main

    sys.exit(main(replicate))
