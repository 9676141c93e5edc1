"""Who listens: clients, the applications they have, what each of them hears."""
