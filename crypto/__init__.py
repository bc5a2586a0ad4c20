"""Mathematics, formats and ledger rules of Belenios protocol version 1, and of Steward's journal.

Pure: no file, no network, no clock, no logging. Bytes come in, values or one of the three
errors of :mod:`crypto.errors` go out. The rule numbers (A1, B7, …) are those of docs/protocol.md.
"""
