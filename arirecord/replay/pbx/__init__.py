"""The switch at the moment of the replay: what is up, what was asked and answered when it was recorded."""
