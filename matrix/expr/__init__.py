"""The C subset the kernel's conditions are written in: parse, print, evaluate."""
