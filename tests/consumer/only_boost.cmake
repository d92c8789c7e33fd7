# SPDX-License-Identifier: Apache-2.0
# Fails a consumer's configuration that looks up anything but Boost and ikealg itself.
macro(ikealg_only_boost method package)
    if(NOT "${package}" MATCHES "^([Bb]oost|boost_headers|ikealg)$")
        message(FATAL_ERROR "a consumer's configuration looks up ${package}")
    endif()
endmacro()
cmake_language(SET_DEPENDENCY_PROVIDER ikealg_only_boost SUPPORTED_METHODS FIND_PACKAGE)
