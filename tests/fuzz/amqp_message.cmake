selvage_fuzz(amqp_message SOURCES fuzz_amqp_message.cpp USES codec_amqp)
