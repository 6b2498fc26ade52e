"""Report: tables, the self-contained page and the console summary."""
