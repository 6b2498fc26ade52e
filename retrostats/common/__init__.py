"""What every room uses: errors, units, rounding, workers, words."""
