selvage_fuzz(message_log SOURCES fuzz_message_log.cpp USES storage_log)
