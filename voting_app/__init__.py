"""The Flask application of Steward: accounts, elections, ledger, casting. `audit` never imports it."""
