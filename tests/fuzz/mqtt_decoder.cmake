selvage_fuzz(mqtt_decoder SOURCES fuzz_mqtt_decoder.cpp USES codec_mqtt)
