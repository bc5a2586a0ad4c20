"""Who may act: bearer tokens of programs, and the first administrator's password and second factor."""
