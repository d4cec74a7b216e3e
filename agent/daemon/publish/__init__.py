"""The side of the agent that looks at the tree, publishes what changed, and queues runs for it: ``publishing.Publishing``."""
