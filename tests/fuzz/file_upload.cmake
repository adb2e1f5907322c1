selvage_fuzz(file_upload SOURCES fuzz_file_upload.cpp USES heads_blob cloud_files storage_blobs net async)
