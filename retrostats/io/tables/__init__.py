"""Tables from files that may come from a stranger: read, never executed, with limits."""
