"""``python -m audit``: the same as ``steward-audit``."""

from audit.cli import main

if __name__ == "__main__":
    main()
