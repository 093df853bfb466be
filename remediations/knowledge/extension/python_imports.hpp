#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace remediations {

/// One module that a Python source imports.
struct PythonImport {
    std::string module;              ///< "distutils.version"; empty for "from . import x"
    std::vector<std::string> names;  ///< for "from module import names"; empty for "import module"
    std::size_t line = 0;            ///< from 1
    std::string text;                ///< the line, at most 200 bytes
};

/// Returns the imports that run whenever the source is loaded and whose failure nothing catches: not those in strings,
/// comments and functions, under a condition, or in a try block with a handler for ImportError. Takes any bytes; the
/// result is meaningless where the source is not Python. Returns at most 1000.
std::vector<PythonImport> unguarded_imports(std::string_view source);

}  // namespace remediations
