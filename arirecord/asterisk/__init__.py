"""ARI: the catalogue of its types, and the conversion of events to typed columns. The only I/O is reading the
catalogue.
"""
