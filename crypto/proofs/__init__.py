"""Zero-knowledge proofs: one statement per file, proving beside verifying."""
