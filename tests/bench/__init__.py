"""`make bench`: speed and memory, as ratios within one run (`python -m tests.bench --help`)."""
