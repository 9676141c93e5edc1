"""User input: times, durations, time zones and numbers, each read by one function for all verbs."""
