selvage_fuzz(amqp_head SOURCES fuzz_amqp_head.cpp USES heads_amqp)
