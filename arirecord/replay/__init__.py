"""Giving a recording back: a clock, a player, and the server that ARI clients connect to."""
