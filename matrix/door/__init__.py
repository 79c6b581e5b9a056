"""The one door: bytes from outside, bounded, and read by nobody else."""
