"""Claims as data, and the rules that turn intervals into verdicts."""
