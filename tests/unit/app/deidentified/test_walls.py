"""Nothing that others add later goes past the masks unseen."""

import inspect
from dataclasses import fields

import pytest

from app.archive import Archive
from app.archive.headers import Headers
from app.deidentified import DeidentifiedArchive, DeidentifiedError
from app.deidentified.archive import DeidentifiedHeaders
from app.deidentified.services import Refusing
from app.services import Services

# Made of the others, or about nothing that an image has.
_OF_OTHERS = {"search_and_facets", "compile", "filter_queries", "state"}


@pytest.mark.parametrize(("whole", "masked"), [(Archive, DeidentifiedArchive), (Headers, DeidentifiedHeaders)])
def test_each_method_has_its_masked_twin(whole: type, masked: type) -> None:
    public = {name for name, _ in inspect.getmembers(whole, inspect.isfunction) if not name.startswith("_")}
    assert public - _OF_OTHERS <= set(vars(masked))


def test_each_service_is_masked_refused_or_known_to_tell_nothing() -> None:
    known = {"settings", "accounts", "index", "meter", "seats"}
    masked = {"archive", "audit", "elasticsearch", "receipts", "status", "saved", "previews", "uploads", "indexer"}
    assert {field.name for field in fields(Services)} <= known | masked


def test_what_is_refused_is_refused_in_every_use() -> None:
    with pytest.raises(DeidentifiedError, match="masked"):
        Refusing("It is masked.").anything()
