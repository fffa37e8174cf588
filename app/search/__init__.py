"""From a query's text to what Elasticsearch runs: pure, without a network and without a web framework.

`rewrite` and `parse` make a syntax tree, `fields` finds what a name means, `compiler` and `kinds` make the query,
`sorting` and `columns` the rest of a search request.
"""
