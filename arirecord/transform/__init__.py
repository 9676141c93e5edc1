"""Handling recordings: parts of them, several as one, in other forms, without what identifies people, and compared."""
