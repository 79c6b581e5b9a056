"""Exact answers over finite spaces: regions of cells, counts, enumeration, partitions, rules."""
