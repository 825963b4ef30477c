"""For tests of phsx and of its plug-ins: test functions, contracts, a virtual clock."""
