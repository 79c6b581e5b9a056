"""Where other tools meet the matrix."""
