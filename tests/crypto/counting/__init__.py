"""Tests of crypto/counting."""
