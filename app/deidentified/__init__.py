"""The archive as those see it for whom identifying attributes are masked: nothing that identifies is shown or probed.

`attributes` says what identifies, `header` and `document` mask it, `fields` keeps queries from naming it, `sealing`
makes ids that tell nothing, `pictures` keeps back those with text in them. `archive` puts it together: `app.services`
hands it out in place of the whole archive, so that no page and no route has to think of it.
"""

from app.deidentified.archive import DeidentifiedArchive
from app.deidentified.attributes import MASK, Profile
from app.deidentified.errors import DeidentifiedError
from app.deidentified.sealing import Sealer

__all__ = ["MASK", "DeidentifiedArchive", "DeidentifiedError", "Profile", "Sealer"]
