"""Trustees: the key ceremony, drills and what each has to do next."""
