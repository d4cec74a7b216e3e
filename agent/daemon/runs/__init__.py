"""The side of the agent that looks after runs: ``homing.Homing``. It brings them home, and starts runners for them."""
