selvage_fuzz(c2d_message SOURCES fuzz_c2d_message.cpp USES cloud_c2d heads_http)
