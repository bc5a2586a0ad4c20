"""Mail to members: confirming addresses, and credentials by mail where the server makes them (mode *server*)."""
