"""Pages with their pictures and tables: of one run, and of a comparison. They need neither Paddle nor PaddleClas."""
