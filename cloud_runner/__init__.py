"""What runs where the GPU is: takes runs from the mailbox, works through their shards, publishes results."""

PROJECT = "hybrid"
