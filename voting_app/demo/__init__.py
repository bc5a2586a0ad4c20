"""`steward demo`: a whole election on this computer, through the application's own HTTP interface."""
