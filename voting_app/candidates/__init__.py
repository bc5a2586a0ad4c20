"""Candidates: statements and photos beside the answers of an election's questions."""
