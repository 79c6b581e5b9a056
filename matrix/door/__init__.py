"""The one door: bytes from outside, bounded, and what is written, whole."""
