"""The picture on top of the README: `python -m docs.picture` writes it anew, a test compares it."""

from __future__ import annotations

from pathlib import Path

import retrostats
from retrostats.report.page.page import draw_answers

PICTURE = Path(__file__).parent / "answers.svg"


def main() -> int:
    """Draw the answers of the audit that ships."""
    PICTURE.write_text(draw_answers(retrostats.replicate(draws=64)), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
