"""The pages that everybody may read: elections, their record in words, and how to check them."""
