"""Facts to predicate, simulation to verdicts, counts and pivots."""
