"""Laptop only: what changed in the project tree, and how it becomes a snapshot in the mailbox.

``changes.look`` decides, ``publish.Push`` acts; the rest is in between.
"""
