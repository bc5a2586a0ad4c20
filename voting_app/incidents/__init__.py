"""Complaints about an election, and what the committee decided on them: lines of the journal, and nothing else."""
