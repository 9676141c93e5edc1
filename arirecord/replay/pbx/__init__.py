"""The pbx state at the position of the replay, and the queries and commands on it."""
