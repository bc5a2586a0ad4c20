"""Voting sheets as PDF: values in, bytes out; knows no server, no database and no clock (ADR 0010)."""
