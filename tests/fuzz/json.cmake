selvage_fuzz(json SOURCES fuzz_json.cpp USES base)
