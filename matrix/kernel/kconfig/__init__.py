"""A real Kconfig tree: read with kconfiglib, held to the rules of the tree's own parser."""
