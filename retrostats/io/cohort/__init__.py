"""A lab's own table, read and understood."""
