"""Acts that more than one officer must want: who proposed what, who agrees, and what the journal says of it."""
