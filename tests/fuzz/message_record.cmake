selvage_fuzz(message_record SOURCES fuzz_message_record.cpp USES domain)
