selvage_fuzz(http_target SOURCES fuzz_http_target.cpp USES net)
