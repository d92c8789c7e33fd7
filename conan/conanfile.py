# SPDX-License-Identifier: Apache-2.0
import os
import re

from conan import ConanFile
from conan.tools.cmake import cmake_layout
from conan.tools.files import copy

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir)


class IkealgConan(ConanFile):
    name = "ikealg"
    description = "IPsec-passthrough NAT application layer gateway"
    license = "Apache-2.0"
    topics = ("ipsec", "ike", "esp", "nat", "alg", "header-only")
    package_type = "header-library"
    settings = "os", "arch", "compiler", "build_type"
    no_copy_source = True

    def set_version(self):
        with open(os.path.join(self.recipe_folder, os.pardir, "include", "ikealg", "version.hpp")) as header:
            self.version = ".".join(re.findall(r"#define IKEALG_VERSION_(?:MAJOR|MINOR|PATCH) (\d+)", header.read()))

    def layout(self):
        cmake_layout(self)

    def requirements(self):
        self.requires("boost/[>=1.74 <2]", options={"header_only": True})

    def export_sources(self):
        copy(self, "include/*", ROOT, self.export_sources_folder)
        copy(self, "LICENSE", ROOT, self.export_sources_folder)

    def package(self):
        copy(self, "LICENSE", self.source_folder, os.path.join(self.package_folder, "licenses"))
        copy(self, "*.hpp", os.path.join(self.source_folder, "include"), os.path.join(self.package_folder, "include"))

    def package_id(self):
        self.info.clear()

    def package_info(self):
        self.cpp_info.set_property("cmake_file_name", "ikealg")
        self.cpp_info.set_property("cmake_target_name", "ikealg::ikealg")
        self.cpp_info.requires = ["boost::headers"]
        self.cpp_info.bindirs = []
        self.cpp_info.libdirs = []
