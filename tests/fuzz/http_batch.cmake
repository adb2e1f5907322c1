selvage_fuzz(http_batch SOURCES fuzz_http_batch.cpp USES heads_http)
