#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "remediations/machine/result.hpp"

namespace machine {

/// The type numbers of winnt.h.
enum class RegistryType : std::uint32_t {
    none = 0,
    string = 1,
    expand_string = 2,
    binary = 3,
    dword = 4,
    multi_string = 7,
    qword = 11,
};

/// A value as the registry stores it. Text is converted to UTF-8; expand_string is not expanded.
struct RegistryValue {
    RegistryType type = RegistryType::string;
    /// string, expand_string: string; dword, qword: uint64; multi_string: list; all others: raw bytes.
    std::variant<std::string, std::uint64_t, std::vector<std::string>, std::vector<std::uint8_t>> data;

    friend bool operator==(const RegistryValue&, const RegistryValue&) = default;
};

/// The Windows registry, always the 64-bit view. Keys begin with "HKLM\" or "HKU\". Keys and value names are compared
/// without case.
class Registry {
public:
    virtual ~Registry() = default;

    /// ErrorKind::not_found where the key or the value does not exist.
    virtual Result<RegistryValue> value(const std::string& key, const std::string& name) const = 0;
    /// ErrorKind::not_found where the key does not exist.
    virtual Result<std::vector<std::string>> subkeys(const std::string& key) const = 0;
    virtual Result<std::vector<std::string>> value_names(const std::string& key) const = 0;

    /// Creates the key where it does not exist.
    virtual Result<void> set_value(const std::string& key, const std::string& name, const RegistryValue& value) = 0;
    virtual Result<void> remove_value(const std::string& key, const std::string& name) = 0;
    /// Removes a key with everything below it; ErrorKind::not_found where it does not exist.
    virtual Result<void> remove_key(const std::string& key) = 0;
};

}  // namespace machine
