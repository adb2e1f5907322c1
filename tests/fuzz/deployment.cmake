selvage_fuzz(deployment SOURCES fuzz_deployment.cpp
    USES edge_agent edge_manifest edge_hub_configuration edge_runtime_docker edge_management domain net)
