"""Laptop only: one verified SSH connection, and files over it. Nothing else opens connections or loads paramiko."""
