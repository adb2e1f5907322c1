selvage_fuzz(amqp_sasl SOURCES fuzz_amqp_sasl.cpp USES codec_amqp)
