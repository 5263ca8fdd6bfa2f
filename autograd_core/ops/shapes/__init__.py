"""Operations that rearrange or select elements."""
