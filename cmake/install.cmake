# SPDX-License-Identifier: Apache-2.0
# Installation: the headers and a package configuration, find_package(ikealg [COMPONENTS pcap]).
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_DATADIR}/cmake/ikealg)

install(TARGETS ikealg EXPORT ikealg FILE_SET HEADERS)
install(EXPORT ikealg FILE ikealgTargets.cmake NAMESPACE ikealg:: DESTINATION ${package_dir})
if(IKEALG_PCAP)
    install(TARGETS ikealg_pcap EXPORT ikealg_pcap FILE_SET HEADERS)
    install(EXPORT ikealg_pcap FILE ikealgPcapTargets.cmake NAMESPACE ikealg:: DESTINATION ${package_dir})
    install(FILES ${PROJECT_SOURCE_DIR}/cmake/FindPCAP.cmake DESTINATION ${package_dir})
endif()

# A minor line keeps source compatibility while the major version is 0.
write_basic_package_version_file(${PROJECT_BINARY_DIR}/ikealgConfigVersion.cmake
                                 COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
install(FILES ${PROJECT_SOURCE_DIR}/cmake/ikealgConfig.cmake ${PROJECT_BINARY_DIR}/ikealgConfigVersion.cmake
        DESTINATION ${package_dir})
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
