"""Where boxes and edges are: two layouts, which give the same plain data."""
