"""The committee's word that the result stands."""
