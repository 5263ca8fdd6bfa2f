"""Operations of network layers other than those on images."""
