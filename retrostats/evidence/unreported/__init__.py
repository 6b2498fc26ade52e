"""What the sources did not print, and how far the answer moves in it."""
