"""What is asked of a fit: tests, intervals, means, predictions, simulation."""
