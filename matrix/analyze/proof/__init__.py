"""What holds over a whole study: rules, claims, synthesised checks, reviews."""
