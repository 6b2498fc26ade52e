"""Questions to ask of a printed table: whether its numbers can stand beside one another."""

from retrostats.evidence.printed.forensics.table import forensics

__all__ = ["forensics"]
