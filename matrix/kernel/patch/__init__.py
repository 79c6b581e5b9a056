"""Patches as they come by mail: mbox, quoted in a reply, encoded, trimmed."""
