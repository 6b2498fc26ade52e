"""What a formula says, and its columns and matrices."""
