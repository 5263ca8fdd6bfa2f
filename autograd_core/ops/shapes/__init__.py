"""The same elements in another arrangement, or some of them."""
