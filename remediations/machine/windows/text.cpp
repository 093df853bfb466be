#include "remediations/machine/windows/text.hpp"

#include <windows.h>

#include <limits>

namespace machine::windows {

namespace {

constexpr std::size_t longest = std::numeric_limits<int>::max();

/// Returns an empty text also where it cannot be converted.
std::string encode(std::wstring_view text, DWORD flags) {
    if (text.empty() || text.size() > longest) return {};
    const int length = static_cast<int>(text.size());
    const int size = WideCharToMultiByte(CP_UTF8, flags, text.data(), length, nullptr, 0, nullptr, nullptr);
    std::string encoded(static_cast<std::size_t>(size), '\0');
    WideCharToMultiByte(CP_UTF8, flags, text.data(), length, encoded.data(), size, nullptr, nullptr);
    return encoded;
}

}  // namespace

Result<std::wstring> to_wide(std::string_view text) {
    if (text.empty()) return std::wstring{};
    if (text.size() > longest) return Error::too_large("text is longer than 2 GiB");
    const int length = static_cast<int>(text.size());
    const int size = MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, text.data(), length, nullptr, 0);
    if (size == 0) return Error::invalid("\"" + std::string(text) + "\" is not valid UTF-8");
    std::wstring wide(static_cast<std::size_t>(size), L'\0');
    MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, text.data(), length, wide.data(), size);
    return wide;
}

Result<std::wstring> to_wide_name(std::string_view name) {
    if (const auto nul = name.find('\0'); nul != std::string_view::npos) {
        return Error::invalid("\"" + std::string(name.substr(0, nul)) + "\" is followed by a NUL character");
    }
    return to_wide(name);
}

std::string to_utf8(std::wstring_view text) {
    return encode(text, 0);
}

Result<std::string> to_utf8_exact(std::wstring_view text) {
    auto encoded = encode(text, WC_ERR_INVALID_CHARS);
    if (encoded.empty() && !text.empty()) {
        return Error::invalid("\"" + to_utf8(text) + "\" is not valid UTF-16");
    }
    return encoded;
}

}  // namespace machine::windows
