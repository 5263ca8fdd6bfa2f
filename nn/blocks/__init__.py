"""Parts that architectures are built of."""
