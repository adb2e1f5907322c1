selvage_fuzz(http_head SOURCES fuzz_http_head.cpp USES heads_http heads_http_edge net LINKS GTest::gtest)
