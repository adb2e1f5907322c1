selvage_fuzz(settings SOURCES fuzz_settings.cpp
    USES cloud_data_folder edge_config edge_hub_environment edge_workload simulated_temperature_sensor)
