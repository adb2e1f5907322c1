selvage_fuzz(edge_twin SOURCES fuzz_edge_twin.cpp USES edge_hub_twins domain)
