"""What web logs: a line for each request, under an id that its tasks carry on; and gunicorn's own lines."""
