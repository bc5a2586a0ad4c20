"""Elections: their settings, states and calendar."""
