"""Tests of `crypto.proofs`."""
