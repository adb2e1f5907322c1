selvage_fuzz(websocket SOURCES fuzz_websocket.cpp USES codec_websocket)
