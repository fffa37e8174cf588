"""What Elasticsearch is told: the DICOM dictionary as field types, the index template, its indices and aliases."""
