"""Functions of single elements, and of two or more element by element."""
