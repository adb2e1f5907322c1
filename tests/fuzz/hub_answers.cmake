selvage_fuzz(hub_answers SOURCES fuzz_hub_answers.cpp
    USES cli_hubctl edge_hub_scope edge_identity device_client net)
