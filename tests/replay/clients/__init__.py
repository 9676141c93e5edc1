"""Small apps made with the client libraries that people use, run as programs of their own by `test_real_clients`."""
