"""How much an election may have of everything, in the office's forms as in programs' requests."""

CREDENTIAL_MODES = ("server", "registrar")
MAX_TRUSTEES = 30
MAX_CERTIFIERS = 20
MAX_QUESTIONS = 100
MAX_ANSWERS = 500
MAX_LANGUAGES = 30
LONGEST_REASON = 2000
LONGEST_NAME = 500
LONGEST_DESCRIPTION = 20_000
