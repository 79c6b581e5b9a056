"""What a real kernel is given: `.config` files, command lines, ID registers."""
