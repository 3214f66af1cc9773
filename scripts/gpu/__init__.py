"""What is known of a training on a GPU: the kernels that it needs, and what a machine with one must show."""
