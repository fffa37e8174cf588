"""The archive as the app sees it: the only place of `app` where Elasticsearch is searched.

`archive` is what others ask; behind it, `images` and `positions` with `rows` make pages, and `elastic` runs searches.
`reading` reads all results.
"""

from app.archive.alike import Alike, AlikeSeries
from app.archive.archive import Archive
from app.archive.errors import ArchiveUnavailableError, ImageNotFoundError, QueryRefusedError
from app.archive.facets import CountedFacet, FacetCounts
from app.archive.headers import HeaderList, HeaderNotFoundError, HeaderValues
from app.archive.navigator import Neighbour, Neighbourhood, SeriesOfStudy
from app.archive.reading import Reading
from app.archive.requests import LARGEST_PAGE, Answer, ArchiveState, Below, ImageFile, Result, SearchRequest
from app.archive.unusual import Unusual, UnusualValue

__all__ = [
    "LARGEST_PAGE",
    "Alike",
    "AlikeSeries",
    "Answer",
    "Archive",
    "ArchiveState",
    "ArchiveUnavailableError",
    "Below",
    "CountedFacet",
    "FacetCounts",
    "HeaderList",
    "HeaderNotFoundError",
    "HeaderValues",
    "ImageFile",
    "ImageNotFoundError",
    "Neighbour",
    "Neighbourhood",
    "QueryRefusedError",
    "Reading",
    "Result",
    "SearchRequest",
    "SeriesOfStudy",
    "Unusual",
    "UnusualValue",
]
