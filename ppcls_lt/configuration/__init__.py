"""What a configuration says: reading it, its known keys, its checks, its stages and recipes."""
