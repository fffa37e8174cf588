"""What people and programs talk to: search, web pages and the REST API."""
