selvage_fuzz(daemon_requests SOURCES fuzz_daemon_requests.cpp
    USES edge_daemon edge_identity edge_management edge_runtime net)
