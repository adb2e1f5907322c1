selvage_fuzz(stored_state SOURCES fuzz_stored_state.cpp
    USES cloud_sessions edge_hub_scope edge_hub_store edge_hub_twins domain security)
