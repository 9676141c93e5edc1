"""The lake: recordings of many servers and days in one folder, as plain hive Parquet."""
