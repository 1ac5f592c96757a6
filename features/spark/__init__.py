"""The same lead database on Spark: its tables, and work bucket by bucket of leads."""
