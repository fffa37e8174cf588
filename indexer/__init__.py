"""From a folder of DICOM files to Elasticsearch documents: watcher, batches, tasks, reader, flatten, sink, commands."""
