"""Kernel command lines, split and read as the kernel does."""
