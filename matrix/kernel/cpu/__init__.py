"""CPU SPECs and ID registers as systems of known CPUs, and what the kernel detects on them."""
