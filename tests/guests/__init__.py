"""Kernels of Debian, booted in QEMU, that run `matrix probe` inside."""
