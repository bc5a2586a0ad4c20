"""Tests mirror the source folders; stand-ins are real programs (belenios-tool, PostgreSQL) and not mocks."""
