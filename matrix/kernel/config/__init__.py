"""Kernel configurations as people hold them: `.config` files, packages, images."""
