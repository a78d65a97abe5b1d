"""Embedding on many processes and machines, by Ray Data.

manifest says which files there are, sources open them, stages run on the workers, job puts them
together here, engine starts Ray, and parts are the Parquet files that come out.
"""
