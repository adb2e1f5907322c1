selvage_fuzz(websocket_upgrade SOURCES fuzz_websocket_upgrade.cpp USES net async base)
