"""Kernel source trees: their files, their release, their C."""
