"""The append-only record: ballot box and journal. The only code that touches their tables."""
