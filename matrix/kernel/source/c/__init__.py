"""The kernel's own C, read without a compiler: items by name, and functions as expressions.

`source.parse_c` reads one file (or the added lines of a patch), `derivation.derive` says what a
function returns as one C expression or why that cannot be said, `execution` what it assigns. Only
`syntax` touches tree-sitter, and only when a function's statements are asked for.
"""
