# SPDX-License-Identifier: Apache-2.0
"""conan_version.py DIR: prints the version that the recipe DIR/conanfile.py reads, with conan itself stubbed out."""
import importlib
import sys
import types

sys.dont_write_bytecode = True
for name in ("conan", "conan.tools", "conan.tools.cmake", "conan.tools.files"):
    sys.modules[name] = types.ModuleType(name)
sys.modules["conan"].ConanFile = object
for name in ("CMake", "CMakeToolchain", "CMakeDeps", "cmake_layout"):
    setattr(sys.modules["conan.tools.cmake"], name, None)
sys.modules["conan.tools.files"].copy = None

sys.path.insert(0, sys.argv[1])
recipe = importlib.import_module("conanfile").IkealgConan()
recipe.recipe_folder = sys.argv[1]
recipe.set_version()
print(recipe.version)
