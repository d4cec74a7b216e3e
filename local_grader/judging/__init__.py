"""From samples that no rule could decide to verdicts: asking, trying again, keeping, pooling."""
