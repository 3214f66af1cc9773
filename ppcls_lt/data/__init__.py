"""Label lists and images per class: reading, counting, weighting, resampling, cutting, drawing. NumPy alone."""
