selvage_fuzz(pem SOURCES fuzz_pem.cpp USES net security base)
