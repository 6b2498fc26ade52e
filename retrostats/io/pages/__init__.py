"""An audit as one page and one table: what both may say, read and checked; nothing is computed."""
