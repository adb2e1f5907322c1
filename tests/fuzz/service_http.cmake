selvage_fuzz(service_http SOURCES fuzz_service_http.cpp
    USES cloud_service_http cloud_files cloud_hub storage_sqlite storage_log security net)
