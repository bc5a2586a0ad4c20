"""Tests of `crypto.groups`."""
