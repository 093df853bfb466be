#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace handler {

/// Text is UTF-8 everywhere; a path is so on Linux only.
inline std::filesystem::path to_path(std::string_view text) {
    return {std::u8string(text.begin(), text.end())};
}

inline std::string to_text(const std::filesystem::path& path) {
    const auto text = path.u8string();
    return {text.begin(), text.end()};
}

/// As the first word of a command line that a person can copy.
inline std::string as_command(const std::filesystem::path& program) {
    const auto text = to_text(program);
    return text.find(' ') == std::string::npos ? text : "\"" + text + "\"";
}

}  // namespace handler
