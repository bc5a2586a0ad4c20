"""The steps by which the database came to its present tables; `voting_app.db.upgrade` applies them."""
