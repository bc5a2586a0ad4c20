"""Closing the box, the encrypted tally, partial decryptions and the result."""
