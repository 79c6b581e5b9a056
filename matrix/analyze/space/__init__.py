"""A whole study answered: regions, counts, causes, tables."""
