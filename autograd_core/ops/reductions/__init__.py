"""Many elements to one, running forms of that, and order."""
