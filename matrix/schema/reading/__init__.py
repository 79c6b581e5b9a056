"""From the bytes of a declaration to checked documents: text, plain scalars, nodes, shape."""
