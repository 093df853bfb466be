#include "remediations/machine/registry.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <span>

#include "remediations/machine/windows/parts.hpp"
#include "remediations/machine/windows/system_error.hpp"
#include "remediations/machine/windows/text.hpp"
#include "remediations/machine/windows/unique_handle.hpp"

namespace machine::windows {

namespace {

using Bytes = std::vector<std::uint8_t>;

/// Larger than any known value; the registry itself has no limit.
constexpr DWORD largest_value = DWORD{16} << 20;
/// Limits of the registry in UTF-16 units, with the terminating NUL.
constexpr DWORD key_name_units = 256;
constexpr DWORD value_name_units = 16384;

std::string place(const std::string& key, const std::string& name) {
    return fmt::format("registry value {}\\{}", key, name.empty() ? "(default)" : name);
}

struct KeyPath {
    HKEY root;
    std::wstring subkey;
};

Result<KeyPath> parse_key(const std::string& key) {
    static const std::pair<std::string_view, HKEY> roots[] = {{"HKLM\\", HKEY_LOCAL_MACHINE}, {"HKU\\", HKEY_USERS}};
    for (const auto& [prefix, root] : roots) {
        if (!key.starts_with(prefix)) continue;
        auto subkey = to_wide_name(std::string_view(key).substr(prefix.size()));
        if (!subkey) return subkey.error();
        return KeyPath{root, std::move(*subkey)};
    }
    return Error::invalid("registry key \"" + key + "\" does not begin with HKLM\\ or HKU\\");
}

Result<RegistryHandle> open_key(const std::string& key, REGSAM access) {
    const auto path = parse_key(key);
    if (!path) return path.error();
    RegistryHandle handle;
    const auto code = RegOpenKeyExW(path->root, path->subkey.c_str(), 0, access | KEY_WOW64_64KEY, handle.receive());
    if (code != ERROR_SUCCESS) return windows_error(static_cast<DWORD>(code), "open registry key", key);
    return handle;
}

/// A text value may have an odd number of bytes.
std::wstring units(std::span<const std::uint8_t> bytes) {
    std::wstring text(bytes.size() / sizeof(wchar_t), L'\0');
    std::memcpy(text.data(), bytes.data(), text.size() * sizeof(wchar_t));
    return text;
}

/// Drops one terminating NUL, if there is one. The rest of the value stays.
Result<std::string> decode_string(std::span<const std::uint8_t> bytes) {
    auto text = units(bytes);
    if (!text.empty() && text.back() == L'\0') text.pop_back();
    return to_utf8_exact(text);
}

/// Each string ends with a NUL, and the list with one more; either may be missing. Empty strings inside the list stay.
Result<std::vector<std::string>> decode_list(std::span<const std::uint8_t> bytes) {
    auto text = units(bytes);
    if (!text.empty() && text.back() == L'\0') text.pop_back();
    std::vector<std::string> list;
    for (std::size_t begin = 0; begin < text.size();) {
        const auto end = std::min(text.find(L'\0', begin), text.size());
        auto entry = to_utf8_exact(std::wstring_view(text).substr(begin, end - begin));
        if (!entry) return entry.error();
        list.push_back(std::move(*entry));
        begin = end + 1;
    }
    return list;
}

Result<std::uint64_t> decode_number(std::span<const std::uint8_t> bytes, std::size_t size) {
    if (bytes.size() != size) {
        return Error::invalid(fmt::format("has {} bytes, expected {}", bytes.size(), size));
    }
    std::uint64_t number = 0;
    std::memcpy(&number, bytes.data(), size);
    return number;
}

template <class T>
Result<RegistryValue> typed(RegistryType type, Result<T> data) {
    if (!data) return data.error();
    return RegistryValue{type, std::move(*data)};
}

Result<RegistryValue> decode(RegistryType type, const Bytes& bytes) {
    switch (type) {
        case RegistryType::string:
        case RegistryType::expand_string:
            return typed(type, decode_string(bytes));
        case RegistryType::multi_string:
            return typed(type, decode_list(bytes));
        case RegistryType::dword:
            return typed(type, decode_number(bytes, 4));
        case RegistryType::qword:
            return typed(type, decode_number(bytes, 8));
        default:
            return RegistryValue{type, bytes};
    }
}

Bytes to_bytes(std::wstring_view text) {
    Bytes bytes(text.size() * sizeof(wchar_t));
    std::memcpy(bytes.data(), text.data(), bytes.size());
    return bytes;
}

/// The inverse of decode(). Returns nullopt where the data does not fit the type.
std::optional<Bytes> encode(const RegistryValue& value) {
    switch (value.type) {
        case RegistryType::string:
        case RegistryType::expand_string: {
            const auto* text = std::get_if<std::string>(&value.data);
            const auto wide = text ? to_wide(*text) : Error{};
            if (!wide) return std::nullopt;
            return to_bytes(*wide + L'\0');
        }
        case RegistryType::multi_string: {
            const auto* list = std::get_if<std::vector<std::string>>(&value.data);
            if (!list) return std::nullopt;
            std::wstring joined;
            for (const auto& entry : *list) {
                const auto wide = to_wide_name(entry);
                if (!wide) return std::nullopt;
                joined += *wide + L'\0';
            }
            return to_bytes(joined + L'\0');
        }
        case RegistryType::dword:
        case RegistryType::qword: {
            const auto* number = std::get_if<std::uint64_t>(&value.data);
            const std::size_t size = value.type == RegistryType::dword ? 4 : 8;
            if (!number || (size == 4 && *number > UINT32_MAX)) return std::nullopt;
            Bytes bytes(size);
            std::memcpy(bytes.data(), number, size);
            return bytes;
        }
        default: {
            const auto* bytes = std::get_if<Bytes>(&value.data);
            return bytes ? std::optional(*bytes) : std::nullopt;
        }
    }
}

class WindowsRegistry final : public Registry {
public:
    Result<RegistryValue> value(const std::string& key, const std::string& name) const override {
        const auto wide_name = to_wide_name(name);
        if (!wide_name) return wide_name.error();
        const auto handle = open_key(key, KEY_QUERY_VALUE);
        if (!handle) return handle.error();

        // The value may grow between two calls, so the size is only a first guess.
        Bytes bytes(256);
        DWORD type = 0;
        DWORD size = 0;
        LSTATUS code = ERROR_MORE_DATA;
        while (code == ERROR_MORE_DATA) {
            if (size > largest_value) {
                return Error::too_large(fmt::format("{} has {} bytes", place(key, name), size));
            }
            if (size > bytes.size()) bytes.resize(size);
            size = static_cast<DWORD>(bytes.size());
            code = RegQueryValueExW(handle->get(), wide_name->c_str(), nullptr, &type, bytes.data(), &size);
        }
        if (code != ERROR_SUCCESS) return windows_error(static_cast<DWORD>(code), "read", place(key, name));
        bytes.resize(size);

        auto value = decode(static_cast<RegistryType>(type), bytes);
        if (!value) return Error{value.error().kind, place(key, name) + ": " + value.error().message, 0};
        return value;
    }

    Result<std::vector<std::string>> subkeys(const std::string& key) const override {
        return names(key, KEY_ENUMERATE_SUB_KEYS, key_name_units, &RegEnumKeyExW);
    }

    Result<std::vector<std::string>> value_names(const std::string& key) const override {
        const auto next = [](HKEY handle, DWORD index, LPWSTR name, LPDWORD length, auto...) {
            return RegEnumValueW(handle, index, name, length, nullptr, nullptr, nullptr, nullptr);
        };
        return names(key, KEY_QUERY_VALUE, value_name_units, next);
    }

    Result<void> set_value(const std::string& key, const std::string& name, const RegistryValue& value) override {
        const auto path = parse_key(key);
        if (!path) return path.error();
        const auto wide_name = to_wide_name(name);
        if (!wide_name) return wide_name.error();
        const auto bytes = encode(value);
        if (!bytes) {
            return Error::invalid(fmt::format("the data for {} does not fit its type {}", place(key, name),
                                              static_cast<std::uint32_t>(value.type)));
        }
        RegistryHandle handle;
        auto code = RegCreateKeyExW(path->root, path->subkey.c_str(), 0, nullptr, 0, KEY_SET_VALUE | KEY_WOW64_64KEY,
                                    nullptr, handle.receive(), nullptr);
        if (code != ERROR_SUCCESS) return windows_error(static_cast<DWORD>(code), "create registry key", key);
        code = RegSetValueExW(handle.get(), wide_name->c_str(), 0, static_cast<DWORD>(value.type), bytes->data(),
                              static_cast<DWORD>(bytes->size()));
        if (code != ERROR_SUCCESS) return windows_error(static_cast<DWORD>(code), "set", place(key, name));
        return {};
    }

    Result<void> remove_value(const std::string& key, const std::string& name) override {
        const auto wide_name = to_wide_name(name);
        if (!wide_name) return wide_name.error();
        const auto handle = open_key(key, KEY_SET_VALUE);
        if (!handle) return handle.error();
        const auto code = RegDeleteValueW(handle->get(), wide_name->c_str());
        if (code != ERROR_SUCCESS) return windows_error(static_cast<DWORD>(code), "remove", place(key, name));
        return {};
    }

    Result<void> remove_key(const std::string& key) override {
        const auto path = parse_key(key);
        if (!path) return path.error();
        if (path->subkey.find(L'\\') == std::wstring::npos) {
            return Error::invalid("registry key " + key + " is too near the root to be removed");
        }
        const auto code = RegDeleteTreeW(path->root, path->subkey.c_str());
        if (code != ERROR_SUCCESS) return windows_error(static_cast<DWORD>(code), "remove registry key", key);
        return {};
    }

private:
    /// Returns what `next` (RegEnumKeyExW or a similar function) enumerates, sorted.
    template <class Next>
    static Result<std::vector<std::string>> names(const std::string& key, REGSAM access, DWORD units, Next next) {
        const auto handle = open_key(key, access);
        if (!handle) return handle.error();
        std::vector<std::string> names;
        std::wstring name(units, L'\0');
        for (DWORD index = 0;; ++index) {
            DWORD length = units;
            const auto code = next(handle->get(), index, name.data(), &length, nullptr, nullptr, nullptr, nullptr);
            if (code == ERROR_NO_MORE_ITEMS) break;
            if (code != ERROR_SUCCESS) return windows_error(static_cast<DWORD>(code), "list registry key", key);
            names.push_back(to_utf8({name.data(), length}));
        }
        std::sort(names.begin(), names.end());
        return names;
    }
};

}  // namespace

std::unique_ptr<Registry> make_registry() {
    return std::make_unique<WindowsRegistry>();
}

}  // namespace machine::windows
