selvage_fuzz(route SOURCES fuzz_route.cpp USES query_routes)
