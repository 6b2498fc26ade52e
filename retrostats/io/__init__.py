"""Read: printed statistics, raw cohorts and metabolic-cart exports."""
