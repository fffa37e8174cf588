"""What must stand before anything runs: users and roles of Elasticsearch, certificates, the index, Kibana's dashboards.

Users are those of Elasticsearch's file realm, so that the embedded node, which has no index for native users, and the
official image have the same ones: what tests prove of them is what runs.
"""
