"""Tests of `crypto`, in the order of its files."""
