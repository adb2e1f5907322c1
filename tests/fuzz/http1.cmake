selvage_fuzz(http1 SOURCES fuzz_http1.cpp USES codec_http1)
