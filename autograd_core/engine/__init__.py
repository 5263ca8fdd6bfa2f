"""What records operations, and what walks the record back; docs/design.md follows a product through it."""
