"""Operations on images of one to three dimensions: padding, windows, interpolation."""
