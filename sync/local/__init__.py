"""The laptop's view of a project tree: what is there, what of it goes, what changed, and how to read it untorn.

``load_rules`` -> ``scan`` -> ``Index.changed`` -> ``open_stable`` is the way of a push through here. Laptop only
(Python >= 3.11); the runner never imports it.
"""
