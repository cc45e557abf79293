"""Model files: header, reading, writing, and the list of all there are."""
