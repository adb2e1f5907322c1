selvage_fuzz(super_config SOURCES fuzz_super_config.cpp USES edge_config)
