"""Whether what the load wrote has arrived: the ledger against every sink, after the run and sampled during it."""
