selvage_fuzz(hub_amqp SOURCES fuzz_hub_amqp.cpp USES codec_hub_amqp)
