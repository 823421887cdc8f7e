"""Articles in, hits out: reading, splitting, encoding, storing and searching a collection."""
