"""The arm64 machine around one page of memory, which several scenarios are worlds of."""
