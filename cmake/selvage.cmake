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

# selvage_fuzz(mqtt_packet SOURCES … USES …): libFuzzer target build/fuzz/bin/fuzz_<name>, corpus in tests/fuzz/corpus/<name>.
function(selvage_fuzz name)
    cmake_parse_arguments(F "" "" "SOURCES;USES" ${ARGN})
    add_executable(fuzz_${name} ${F_SOURCES})
    foreach(use IN LISTS F_USES)
        target_link_libraries(fuzz_${name} PRIVATE selvage_${use})
    endforeach()
    target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
endfunction()
