"""Handle recordings: filter, merge, export and compare them."""
