"""`python -m retrostats.pinned` writes the pinned answers of the audit that ships anew."""

from __future__ import annotations

from retrostats.answers import pin, pinned_dir
from retrostats.replicate import replicate

if __name__ == "__main__":
    pin(replicate(), pinned_dir())
