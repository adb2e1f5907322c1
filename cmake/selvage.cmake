# How every folder under src/ becomes a target: one static library a folder, its tests beside it.

find_package(Threads REQUIRED)
find_package(OpenSSL 3 REQUIRED)
find_package(Boost 1.81 REQUIRED COMPONENTS json url)
find_package(fmt REQUIRED)
find_package(SQLite3 REQUIRED)

add_library(selvage_flags INTERFACE)
target_compile_options(selvage_flags INTERFACE
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wnon-virtual-dtor -Werror
    -fno-omit-frame-pointer -ffunction-sections -fdata-sections)
# -fpch-instantiate-templates: templates that the precompiled header names are instantiated once, in it.
# -fno-pch-timestamp: so that ccache may serve a precompiled header again.
target_compile_options(selvage_flags INTERFACE -fpch-instantiate-templates "SHELL:-Xclang -fno-pch-timestamp")
target_link_options(selvage_flags INTERFACE -Wl,--gc-sections -Wl,--as-needed)
target_compile_definitions(selvage_flags INTERFACE
    BOOST_ASIO_SEPARATE_COMPILATION BOOST_ASIO_NO_DEPRECATED BOOST_ALLOW_DEPRECATED_HEADERS)
# Asio keeps freed coroutine frames for the next ones, of whatever size they are: an idle connection then sits on the large
# frames of its handshake. malloc is as fast and gives each its size; without the second of these, Asio asks it for aligned
# blocks, which cost an idle connection a kilobyte more.
target_compile_definitions(selvage_flags INTERFACE
    BOOST_ASIO_DISABLE_SMALL_BLOCK_RECYCLING BOOST_ASIO_DISABLE_AWAITABLE_FRAME_RECYCLING)
target_include_directories(selvage_flags INTERFACE ${CMAKE_SOURCE_DIR}/src)
if(SELVAGE_SANITIZE)
    target_compile_options(selvage_flags INTERFACE -fsanitize=address,undefined -fno-sanitize-recover=all)
    target_link_options(selvage_flags INTERFACE -fsanitize=address,undefined)
endif()
if(SELVAGE_FUZZ)
    target_compile_options(selvage_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()

# selvage_library(storage_log SOURCES a.cpp b.cpp USES domain async LINKS SQLite::SQLite3 [PCH core|io])
#   USES: folders of ours, public (their headers appear in ours or in the arrows of cmake/layers.txt).
#   LINKS: outside libraries, private: their headers stay in .cpp files.
#   PCH: `core` (standard library, fmt, JSON) or `io` (core and Asio's coroutine set, for folders from async upward).
function(selvage_library name)
    cmake_parse_arguments(L "" "PCH" "SOURCES;USES;LINKS" ${ARGN})
    add_library(selvage_${name} STATIC ${L_SOURCES})
    target_link_libraries(selvage_${name} PUBLIC selvage_flags fmt::fmt Boost::json Boost::headers Threads::Threads)
    foreach(use IN LISTS L_USES)
        target_link_libraries(selvage_${name} PUBLIC selvage_${use})
    endforeach()
    target_link_libraries(selvage_${name} PRIVATE ${L_LINKS})
    if(NOT L_PCH)
        set(L_PCH core)
    endif()
    target_precompile_headers(selvage_${name} REUSE_FROM selvage_pch_${L_PCH})
endfunction()

# selvage_test(storage_log SOURCES tests/append_test.cpp [USES more folders] [PCH core|io])
#   One test binary a folder, registered with CTest under the folder's name.
function(selvage_test name)
    if(NOT SELVAGE_TESTS)
        return()
    endif()
    cmake_parse_arguments(T "" "PCH" "SOURCES;USES;LINKS" ${ARGN})
    find_package(GTest REQUIRED)
    add_executable(${name}_test ${T_SOURCES})
    target_link_libraries(${name}_test PRIVATE selvage_${name} GTest::gtest GTest::gmock GTest::gtest_main ${T_LINKS})
    foreach(use IN LISTS T_USES)
        target_link_libraries(${name}_test PRIVATE selvage_${use})
    endforeach()
    if(NOT T_PCH)
        set(T_PCH core)
    endif()
    target_precompile_headers(${name}_test REUSE_FROM selvage_pch_${T_PCH})
    set_target_properties(${name}_test PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
    add_test(NAME ${name} COMMAND ${name}_test --gtest_brief=1)
    set_tests_properties(${name} PROPERTIES TIMEOUT 120)
endfunction()

# selvage_program(selvage-hub SOURCES main.cpp USES cloud_app …): a binary in build/<preset>/bin.
function(selvage_program name)
    cmake_parse_arguments(P "" "" "SOURCES;USES;LINKS" ${ARGN})
    add_executable(${name} ${P_SOURCES})
    foreach(use IN LISTS P_USES)
        target_link_libraries(${name} PRIVATE selvage_${use})
    endforeach()
    target_link_libraries(${name} PRIVATE ${P_LINKS})
    target_precompile_headers(${name} REUSE_FROM selvage_pch_io)
endfunction()

# selvage_fuzz(mqtt_packet SOURCES … USES … [LINKS …]): libFuzzer target build/fuzz/bin/fuzz_<name>, seeds in
# tests/fuzz/corpus/<name>. In the other presets it becomes a part of the test that replays all seeds (selvage_fuzz_replay).
function(selvage_fuzz name)
    cmake_parse_arguments(F "" "" "SOURCES;USES;LINKS" ${ARGN})
    if(NOT SELVAGE_FUZZ)
        # All targets share one program there, so each gets a name of its own.
        set_source_files_properties(${F_SOURCES} PROPERTIES COMPILE_DEFINITIONS LLVMFuzzerTestOneInput=fuzz_${name})
        set_property(GLOBAL APPEND PROPERTY selvage_fuzz_names ${name})
        set_property(GLOBAL APPEND PROPERTY selvage_fuzz_sources ${F_SOURCES})
        set_property(GLOBAL APPEND PROPERTY selvage_fuzz_uses ${F_USES})
        set_property(GLOBAL APPEND PROPERTY selvage_fuzz_links ${F_LINKS})
        return()
    endif()
    add_executable(fuzz_${name} ${F_SOURCES})
    foreach(use IN LISTS F_USES)
        target_link_libraries(fuzz_${name} PRIVATE selvage_${use})
    endforeach()
    # The precompiled header names Asio.
    target_link_libraries(fuzz_${name} PRIVATE selvage_asio ${F_LINKS})
    target_include_directories(fuzz_${name} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
    target_precompile_headers(fuzz_${name} REUSE_FROM selvage_pch_io)
    target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
endfunction()

# One test program of all targets given so far, and `SOURCES` that call them.
function(selvage_fuzz_replay)
    cmake_parse_arguments(R "" "" "SOURCES" ${ARGN})
    get_property(names GLOBAL PROPERTY selvage_fuzz_names)
    get_property(sources GLOBAL PROPERTY selvage_fuzz_sources)
    get_property(uses GLOBAL PROPERTY selvage_fuzz_uses)
    get_property(links GLOBAL PROPERTY selvage_fuzz_links)
    list(REMOVE_DUPLICATES uses)
    list(REMOVE_DUPLICATES links)
    list(TRANSFORM names REPLACE "(.+)" "TARGET(\\1)\n" OUTPUT_VARIABLE rows)
    list(JOIN rows "" text)
    file(CONFIGURE OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/fuzz_targets.inc CONTENT "${text}" @ONLY)
    find_package(GTest REQUIRED)
    add_executable(fuzz_replay_test ${R_SOURCES} ${sources})
    foreach(use IN LISTS uses)
        target_link_libraries(fuzz_replay_test PRIVATE selvage_${use})
    endforeach()
    target_link_libraries(fuzz_replay_test PRIVATE GTest::gtest GTest::gtest_main ${links})
    target_include_directories(fuzz_replay_test PRIVATE ${CMAKE_CURRENT_SOURCE_DIR} ${CMAKE_CURRENT_BINARY_DIR})
    target_precompile_headers(fuzz_replay_test REUSE_FROM selvage_pch_io)
    target_compile_definitions(fuzz_replay_test PRIVATE SELVAGE_FUZZ_FOLDER="${CMAKE_CURRENT_SOURCE_DIR}")
    set_target_properties(fuzz_replay_test PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
    add_test(NAME fuzz_replay COMMAND fuzz_replay_test --gtest_brief=1)
    set_tests_properties(fuzz_replay PROPERTIES TIMEOUT 300)
endfunction()
