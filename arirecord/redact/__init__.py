"""Redaction: find numbers and names in a recording, replace them by pseudonyms, mask keys, check for leaks."""
