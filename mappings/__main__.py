"""Write the generated template again: `python -m mappings`."""

from pathlib import Path

from mappings.template import index_template, readable

GENERATED = Path(__file__).parent / "generated" / "dicom-images.json"


def generated_text() -> str:
    """Write the template of the default alias as the committed file has it."""
    return readable(index_template("dicom-images")) + "\n"


if __name__ == "__main__":
    GENERATED.write_text(generated_text())
