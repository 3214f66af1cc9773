"""Pure functions of tensors and arrays, and the final classifier that they are about."""
