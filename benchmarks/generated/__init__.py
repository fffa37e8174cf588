"""An archive made up for measuring: headers as real devices write them, of patients who do not exist.

    plan      who was examined when, and which series of how many images that gave
    people    the patients
    headers   the header of each image: a real one of pydicom's public test files, with the values of the plan
    loading   all of them into an index, by the project's own code, and into a file for those who scan

The same number and the same seed give the same archive, to the last value. There are no pixels.
"""

from .headers import Image, images_of, template_header
from .loading import HEADERS, Loaded, load, stored_headers
from .people import Patient, patient
from .plan import SeriesPlan, StudyPlan, plan

__all__ = [
    "HEADERS",
    "Image",
    "Loaded",
    "Patient",
    "SeriesPlan",
    "StudyPlan",
    "images_of",
    "load",
    "patient",
    "plan",
    "stored_headers",
    "template_header",
]
