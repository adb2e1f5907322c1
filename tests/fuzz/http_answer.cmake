selvage_fuzz(http_answer SOURCES fuzz_http_answer.cpp USES net async base)
