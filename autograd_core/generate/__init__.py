"""What is generated from the registry: the type stubs, the index of families and the table of operations."""
