selvage_fuzz(sas_token SOURCES fuzz_sas_token.cpp USES codec_sas)
