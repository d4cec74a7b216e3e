"""From files to samples and references: what a run wrote is read, and nothing in it is believed."""
