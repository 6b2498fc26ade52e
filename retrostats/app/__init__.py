"""The path by name, the command line, new audits, reference results."""
