"""Speed, memory and calibration beside other engines: ``python -m benchmarks``."""
