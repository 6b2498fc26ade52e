"""Questions to ask of a printed table: whether its numbers can stand beside one another."""

from retrostats.reduce.forensics.table import forensics

__all__ = ["forensics"]
