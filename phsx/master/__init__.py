"""The master: the one writer of a search, which places every task and decides what comes next."""
