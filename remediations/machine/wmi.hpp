#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "remediations/machine/result.hpp"

namespace machine {

/// The properties that an object has, by their names as WMI spells them, as text: numbers in decimal, "true" and
/// "false", the elements of a list joined by line breaks. Those that are null, or objects themselves, are left out.
using WmiObject = std::map<std::string, std::string>;

/// Empty where the object has no such property.
std::string text_property(const WmiObject& object, const std::string& name);

/// nullopt where the object has no such property, or it is no number.
std::optional<std::uint64_t> number_property(const WmiObject& object, const std::string& name);

/// Windows Management Instrumentation. ErrorKind::unsupported on a system without it, as the class itself answers.
class Wmi {
public:
    virtual ~Wmi() = default;

    /// `name_space` is R"(root\cimv2)" or the like, `wql` "SELECT Name FROM Win32_OptionalFeature".
    /// ErrorKind::not_found when there is no such namespace or class, invalid when it is no WQL, timed_out after five
    /// seconds.
    virtual Result<std::vector<WmiObject>> query(const std::string& name_space, const std::string& wql) const;
};

}  // namespace machine
