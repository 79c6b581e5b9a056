"""What the kernel really does to one guest page: every order of events, to the fixed point."""
