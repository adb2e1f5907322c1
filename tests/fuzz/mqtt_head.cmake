selvage_fuzz(mqtt_head SOURCES fuzz_mqtt_head.cpp USES heads_mqtt)
