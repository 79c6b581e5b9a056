"""Facts: a kernel profile lowered once to expressions over atoms, and the names it knows."""
