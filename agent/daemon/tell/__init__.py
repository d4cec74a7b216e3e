"""What the agent tells: its status, its journal, its log, and notices for a person."""
