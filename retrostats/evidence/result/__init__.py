"""The currency: what estimation hands to pooling and judging; below everything else."""
