"""`/es/…`: the query API of Elasticsearch, read-only, on the images alone.

Programs that speak to Elasticsearch ask here, with a token as for the API. What may be asked is a short list
(`allowed`); it is handed on (`passing`) as a user of Elasticsearch who may only search: two walls before all the rest.
"""
