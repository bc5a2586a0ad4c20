"""Running the installation: is it well, what is set, does mail go out, a copy of the database."""
