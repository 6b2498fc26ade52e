"""One residual variance: criterion, optimiser, small-sample inference."""
