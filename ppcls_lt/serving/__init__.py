"""What an exported folder carries so that a machine without this package can serve the model."""
