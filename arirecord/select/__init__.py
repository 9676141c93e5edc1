"""What people type: times, lengths of time and time zones, read by one function each for all verbs."""
