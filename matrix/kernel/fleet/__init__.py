"""Tables of hosts, row by row."""
