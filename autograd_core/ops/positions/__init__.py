"""Elements read and written by position."""
