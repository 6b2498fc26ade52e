"""Frame in, figure, table or page out."""
