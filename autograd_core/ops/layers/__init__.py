"""What networks are made of, beyond images."""
