"""What ARI is: the catalogue of its types, and how an event becomes typed columns. No I/O beyond reading that
catalogue.
"""
