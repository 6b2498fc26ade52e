"""What analysis files build their findings with: estimates, their rows, what they leave open."""
