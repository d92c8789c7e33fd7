# SPDX-License-Identifier: Apache-2.0
# README.md's first C++ program is examples/minimal.cpp, less its leading comment lines.
# cmake -DROOT=... -P readme.cmake
cmake_minimum_required(VERSION 3.25)
file(READ ${ROOT}/README.md readme)
file(READ ${ROOT}/examples/minimal.cpp program)

set(fence "```cpp\n")
string(FIND "${readme}" "${fence}" begin)
if(begin EQUAL -1)
    message(FATAL_ERROR "README.md has no C++ program")
endif()
string(LENGTH "${fence}" length)
math(EXPR begin "${begin} + ${length}")
string(SUBSTRING "${readme}" ${begin} -1 rest)
string(FIND "${rest}" "```" end)
string(SUBSTRING "${rest}" 0 ${end} shown)

string(REGEX REPLACE "^(//[^\n]*\n)+\n?" "" program "${program}")
string(REGEX REPLACE "^(//[^\n]*\n)+\n?" "" shown "${shown}")
if(NOT shown STREQUAL program)
    message(FATAL_ERROR "README.md's first program differs from examples/minimal.cpp")
endif()
