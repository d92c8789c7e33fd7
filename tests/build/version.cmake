# SPDX-License-Identifier: Apache-2.0
# version.hpp is the one source of the version: no other file states it, and each reader reads it alike.
# cmake -DROOT=... -DVERSION=<what CMake read> -P version.cmake
cmake_minimum_required(VERSION 3.25)
file(READ ${ROOT}/include/ikealg/version.hpp text)
foreach(part MAJOR MINOR PATCH)
    string(REGEX MATCH "IKEALG_VERSION_${part} ([0-9]+)" unused "${text}")
    list(APPEND parts ${CMAKE_MATCH_1})
endforeach()
list(JOIN parts "." version)

if(NOT version STREQUAL VERSION)
    message(SEND_ERROR "version.hpp says ${version}, CMake read '${VERSION}'")
endif()

foreach(file CMakeLists.txt CMakePresets.json conan/conanfile.py conan/test_package/conanfile.py)
    file(READ ${ROOT}/${file} text)
    string(FIND "${text}" "${version}" at)
    if(NOT at EQUAL -1)
        message(SEND_ERROR "${file} states the version ${version}: read it from version.hpp")
    endif()
endforeach()

find_program(python NAMES python3)
if(python)
    execute_process(COMMAND ${python} ${CMAKE_CURRENT_LIST_DIR}/conan_version.py ${ROOT}/conan
                    OUTPUT_VARIABLE conan_version OUTPUT_STRIP_TRAILING_WHITESPACE RESULT_VARIABLE result)
    if(NOT result EQUAL 0 OR NOT conan_version STREQUAL version)
        message(SEND_ERROR "version.hpp says ${version}, the conan recipe read '${conan_version}'")
    endif()
else()
    message(STATUS "no python3: the conan recipe's version was not compared")
endif()
