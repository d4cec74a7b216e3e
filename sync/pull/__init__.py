"""Laptop only: finished outputs come home, verified, each shard once. ``puller.Puller`` is where to begin."""
