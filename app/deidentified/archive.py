"""The archive without what identifies: asked as the whole one, and answering the same, masked.

It refuses what names masked fields before anything is asked, and gives out ids and cursors that are sealed. Whatever is
not masked here is not answered: each method of the archive has its own here, as a test makes sure.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from app.archive import (
    Alike,
    Answer,
    Archive,
    Below,
    FacetCounts,
    HeaderList,
    HeaderValues,
    ImageFile,
    ImageNotFoundError,
    Neighbourhood,
    Reading,
    Result,
    SearchRequest,
    Unusual,
)
from app.archive.alike import find_alike
from app.archive.headers import Headers
from app.deidentified.attributes import MASK, Profile
from app.deidentified.document import masked_document
from app.deidentified.errors import DeidentifiedError
from app.deidentified.fields import MaskedView
from app.deidentified.header import masked_header
from app.deidentified.pictures import NEEDED, refuse_text
from app.deidentified.sealing import Sealer, SealError
from app.search.columns import columns_of, default_columns
from app.search.compiler import Compiled
from app.search.facets import facets_of
from app.search.fields import Field, UnknownFieldError, resolve
from app.search.filters import read_filter
from app.search.levels import Level, row_order
from app.search.sorting import UnusableCursorError, order_of
from app.search.views import MaskedFieldError

_CURSOR = "cursor"
_IMAGE = Level.IMAGE.key
_ID = "id"


class DeidentifiedArchive(Archive):
    """The archive as it is asked by those for whom identifying attributes are masked.

    Parameters
    ----------
    whole
        The archive.
    profile
        What is masked.
    sealer
        Of ids.
    """

    def __init__(self, whole: Archive, profile: Profile, sealer: Sealer) -> None:
        self._elastic = whole._elastic
        self._limits = whole._limits
        self._whole = whole
        self._profile = profile
        self._sealer = sealer
        self._masked = MaskedView(profile, sealer, whole.headers.occurring)
        self.view = self._masked
        self.headers = DeidentifiedHeaders(whole.headers, self._masked)

    def search(self, request: SearchRequest, compiled: Compiled | None = None) -> Answer:
        """Find images, series, studies or patients; usual columns that are masked say so."""
        usual = () if request.fields else default_columns(request.level)
        answer = super().search(self._allowed(request), compiled)
        masked = dict.fromkeys((name for name in usual if name not in self.visible(usual)), MASK)
        return replace(
            answer,
            results=[self._sealed(result, request.level, masked) for result in answer.results],
            next=self._sealer.seal(_CURSOR, answer.next) if answer.next else None,
            previous=self._sealer.seal(_CURSOR, answer.previous) if answer.previous else None,
        )

    def facets(
        self, request: SearchRequest, names: Sequence[str], size: int = 20, compiled: Compiled | None = None
    ) -> FacetCounts:
        """Count which values the results of a request have."""
        for facet in facets_of(names):
            self._check(facet.field)
        self._check_filters(request)
        return super().facets(request, names, size, compiled)

    def read(self, request: SearchRequest) -> Reading:
        """Read all results."""
        return _SealedReading(super().read(self._allowed(request)), self, request.level)

    def image(self, image: str) -> dict[str, Any]:
        """Fetch the document of an image, masked."""
        document = self._whole.image(self._opened(image))
        return masked_document(document, self._profile, self._masked, self._sealer)

    def file(self, image: str) -> dict[str, Any]:
        """Refuse: names of files and folders may be names of patients, and a file holds the whole header."""
        raise DeidentifiedError("Files have identifying attributes in them, which are masked for you.")

    def header(self, image: str) -> dict[str, Any]:
        """Fetch the whole header of an image, masked."""
        return masked_header(self._whole.header(self._opened(image)), self._profile)

    def picture(self, image: str, document: Mapping[str, Any] | None = None) -> ImageFile:
        """Find the file that an image's picture is drawn from.

        Raises
        ------
        PictureMaskedError
            Where the picture may have text in it that identifies.
        """
        known = self._opened(image)
        facts = self._document(known, includes=["file", *NEEDED])
        refuse_text(facts)
        return self._whole.picture(known, facts)

    def visible(self, names: Iterable[str]) -> tuple[str, ...]:
        """Those of some fields whose values are shown."""
        return tuple(name for name in names if self._is_visible(name))

    def fingerprint(self, digest: str) -> str:
        """A digest that does not tell what it is of, not even to those who can guess it."""
        return self._sealer.digest(digest)

    def neighbourhood(self, image: str, document: Mapping[str, Any]) -> Neighbourhood:
        """Find where an image stands in its series and its study; what `document` says is fetched again, unmasked."""
        known = self._opened(image)
        found = self._whole.neighbourhood(known, self._whole.image(known))
        number, series = (self._mask_of(name) for name in ("InstanceNumber", "SeriesNumber"))
        modality, description = (self._mask_of(name) for name in ("Modality", "SeriesDescription"))
        return replace(
            found,
            patient=self._sealer.seal(Level.PATIENT.key, found.patient),
            study=self._sealer.seal(Level.STUDY.key, found.study),
            series=self._sealer.seal(Level.SERIES.key, found.series),
            window=tuple(replace(one, id=self._image(one.id), number=number or one.number) for one in found.window),
            first=found.first and self._image(found.first),
            previous=found.previous and self._image(found.previous),
            next=found.next and self._image(found.next),
            last=found.last and self._image(found.last),
            all_series=tuple(
                replace(
                    one,
                    key=self._sealer.seal(Level.SERIES.key, one.key),
                    image=self._image(one.image),
                    number=series or one.number,
                    modality=modality or one.modality,
                    description=description or one.description,
                )
                for one in found.all_series
            ),
            previous_series=found.previous_series and self._image(found.previous_series),
            next_series=found.next_series and self._image(found.next_series),
        )

    def alike(self, image: str, size: int = 10) -> Alike:
        """Find series acquired like the one that an image is of, by parameters that are not masked."""
        document = self._whole.image(self._opened(image))
        found = find_alike(self._elastic, document, size, self.visible)
        return replace(
            found,
            series=[
                replace(one, series=self._sealer.seal(Level.SERIES.key, one.series), image=self._image(one.image))
                for one in found.series
            ],
        )

    def unusual(self, batch: str) -> Unusual:
        """Refuse: names of batches may be names of patients."""
        raise DeidentifiedError("Batches are called as folders are, which may name patients: they are masked for you.")

    def sealed_results(self, results: Iterable[Result], level: Level) -> list[Result]:
        """Seal the ids of results, and mask what is told of rows beside their columns."""
        return [self._sealed(result, level, {}) for result in results]

    def _sealed(self, result: Result, level: Level, masked: Mapping[str, str]) -> Result:
        return Result(
            self._sealer.seal(level.key, result.id),
            {**masked, **result.fields},
            self._below(result.below) if result.below else None,
        )

    def _below(self, below: Below) -> Below:
        if self._profile.keeps("StudyDate"):
            return below
        return replace(
            below,
            first_date=MASK if below.first_date else None,
            last_date=MASK if below.last_date else None,
        )

    def _allowed(self, request: SearchRequest) -> SearchRequest:
        """A request that names nothing that is masked, and asks for no column that is."""
        for column in columns_of(request.fields, request.level) if request.fields else ():
            if column.field.path != _IMAGE:
                self._check(column.field)
        order = order_of(request.sort) if request.level is Level.IMAGE else row_order(request.sort, request.level)
        for key in order.chosen:
            self._check(resolve(key.name))
        self._check_filters(request)
        columns = request.fields or self.visible(default_columns(request.level)) or (_ID,)
        return replace(request, fields=columns, after=self._cursor(request.after))

    def _cursor(self, after: str) -> str:
        if not after:
            return ""
        try:
            return self._sealer.open(_CURSOR, after)
        except SealError as error:
            raise UnusableCursorError("This page was made for another search: begin again without `after`.") from error

    def _check_filters(self, request: SearchRequest) -> None:
        for text in request.filters:
            self._masked.check(read_filter(text).field)

    def _check(self, field: Field) -> None:
        if not self._masked.values_are_shown(field):
            self._masked.check(field)
            raise MaskedFieldError(f"The values of {field.name} are not listed: they identify, and are masked for you.")

    def _is_visible(self, name: str) -> bool:
        try:
            return self._masked.shows(resolve(name))
        except UnknownFieldError:
            return False

    def _mask_of(self, keyword: str) -> str:
        """The mark, where an attribute is masked."""
        return "" if self._profile.keeps(keyword) else MASK

    def _image(self, image: str) -> str:
        return self._sealer.seal(_IMAGE, image)

    def _opened(self, image: str) -> str:
        try:
            return self._sealer.open(_IMAGE, image)
        except SealError as error:
            raise ImageNotFoundError(image) from error


class DeidentifiedHeaders(Headers):
    """The dictionary of an archive, without the fields that are masked.

    Parameters
    ----------
    whole
        The dictionary.
    view
        What is masked.
    """

    def __init__(self, whole: Headers, view: MaskedView) -> None:
        self._whole = whole
        self._view = view

    def all(self) -> HeaderList:
        """All fields that are not masked, those of most images first."""
        known = self._whole.all()
        shown = tuple(one for one in known.fields if self._view.shows(one.field))
        return replace(known, fields=shown, masked=len(known.fields) - len(shown))

    def occurring(self) -> tuple[Field, ...]:
        """Fields of a type of their own that have a value in some image, and are not masked."""
        return tuple(field for field in self._whole.occurring() if self._view.shows(field))

    def values(self, name: str, containing: str, size: int) -> HeaderValues:
        """The values of a field that is not masked, the most frequent first."""
        try:
            field = resolve(name)
        except UnknownFieldError:
            field = None
        if field is not None and not self._view.values_are_shown(field):
            self._view.check(field)
            raise MaskedFieldError(f"The values of {field.name} are not listed: they identify, and are masked for you.")
        return self._whole.values(name, containing, size)


class _SealedReading(Reading):
    """A reading of all results, masked page by page."""

    def __init__(self, whole: Reading, archive: DeidentifiedArchive, level: Level) -> None:
        self._whole = whole
        self._archive = archive
        self._level = level
        self.columns = whole.columns
        self.total = whole.total
        self.approximate = whole.approximate

    @property
    def page_size(self) -> int:
        """Results of the next page."""
        return self._whole.page_size

    @page_size.setter
    def page_size(self, size: int) -> None:
        self._whole.page_size = size

    def __next__(self) -> list[Result]:
        """Read the next page."""
        return self._archive.sealed_results(next(self._whole), self._level)

    def close(self) -> None:
        """Let go of the point in time."""
        self._whole.close()
