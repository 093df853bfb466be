#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "remediations/machine/result.hpp"

namespace machine {

/// Type numbers are those of winnt.h.
enum class RegistryType : std::uint32_t {
    none = 0,
    string = 1,
    expand_string = 2,
    binary = 3,
    dword = 4,
    multi_string = 7,
    qword = 11,
};

/// A value as the registry stores it. Text is UTF-8 here; expand_string is not expanded.
struct RegistryValue {
    RegistryType type = RegistryType::string;
    /// string, expand_string: string; dword, qword: uint64; multi_string: list; else: raw bytes.
    std::variant<std::string, std::uint64_t, std::vector<std::string>, std::vector<std::uint8_t>> data;

    friend bool operator==(const RegistryValue&, const RegistryValue&) = default;
};

/// The Windows registry, always the 64-bit view. Keys begin with "HKLM\" or "HKU\"; keys and value
/// names compare without case.
class Registry {
public:
    virtual ~Registry() = default;

    /// ErrorKind::not_found when the key or the value is absent.
    virtual Result<RegistryValue> value(const std::string& key, const std::string& name) const = 0;
    /// ErrorKind::not_found when the key is absent.
    virtual Result<std::vector<std::string>> subkeys(const std::string& key) const = 0;
    virtual Result<std::vector<std::string>> value_names(const std::string& key) const = 0;

    /// Creates the key where it is absent.
    virtual Result<void> set_value(const std::string& key, const std::string& name, const RegistryValue& value) = 0;
    virtual Result<void> remove_value(const std::string& key, const std::string& name) = 0;
    /// Removes a key with all below it; ErrorKind::not_found when it is absent.
    virtual Result<void> remove_key(const std::string& key) = 0;
};

}  // namespace machine
