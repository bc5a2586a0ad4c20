"""The auditor: reads published bytes only, repeats every check, and never says "valid, but".

Imports nothing of ours but :mod:`crypto`; works without a network (only :mod:`audit.fetch` opens
connections, for an archive named by URL).
"""
