"""Tables for papers: what they hold, and the formats they are written in."""

from retrostats.report.tables.contents import NAMES, paper_table, paper_tables, write_tables
from retrostats.report.tables.paper import PaperTable

__all__ = ["NAMES", "PaperTable", "paper_table", "paper_tables", "write_tables"]
