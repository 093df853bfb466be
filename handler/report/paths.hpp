#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace handler {

/// Text is always UTF-8; a path is UTF-8 only on Linux.
inline std::filesystem::path to_path(std::string_view text) {
    return {std::u8string(text.begin(), text.end())};
}

inline std::string to_text(const std::filesystem::path& path) {
    const auto text = path.u8string();
    return {text.begin(), text.end()};
}

/// Returns the path as the first word of a command line that a person can copy.
inline std::string as_command(const std::filesystem::path& program) {
    const auto text = to_text(program);
    return text.find(' ') == std::string::npos ? text : "\"" + text + "\"";
}

}  // namespace handler
