"""Checks of declarations: the shape of one file, then the names that files use of each other."""
