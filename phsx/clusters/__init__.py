"""Where workers come from: local processes, or a cluster that exists."""
