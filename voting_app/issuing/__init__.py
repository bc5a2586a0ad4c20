"""Voting codes that are made in the registrar's own browser: the server gets the public list only."""
