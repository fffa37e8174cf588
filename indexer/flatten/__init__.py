"""From a header to the document that Elasticsearch gets. Pure: values in, values out.

Use `flatten`. The keys and forms that the query compiler needs, too, stand in `indexer.flatten.forms`.
"""

from indexer.flatten.flattening import Flattened, flatten
from indexer.flatten.places import Outcome, Place

__all__ = ["Flattened", "Outcome", "Place", "flatten"]
