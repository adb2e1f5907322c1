selvage_fuzz(twin_patch SOURCES fuzz_twin_patch.cpp USES domain)
