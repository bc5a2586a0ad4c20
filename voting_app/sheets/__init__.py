"""Voting sheets of credentials that the server made: asked for in the office, made while they are downloaded."""
