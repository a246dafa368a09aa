"""Files: bytes on disk, written atomically."""
