"""What Kibana is given: a data view, saved searches and a dashboard, in one file that its import takes.

`data_view`, `searches` and `dashboard` are tables of what there is; `lens`, `filters` and `saved_objects` know the
forms in which Kibana stores it. `python -m kibana` writes `dicomsearch.ndjson`, which is committed; a test keeps it
current, and others compare each name in it with the mapping and run each panel on a real Elasticsearch. Nothing imports
this package: the file alone is deployed.
"""
