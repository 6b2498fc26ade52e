"""From printed numbers to what an estimate needs: rounding, pairs, changes."""
