"""Voting credentials: the public list that Setup fixes."""
