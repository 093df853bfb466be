#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "remediations/machine/result.hpp"

namespace machine {

/// The properties of an object by their names in WMI's spelling, as text: numbers in decimal, "true" and "false", the
/// elements of a list joined by line breaks. Properties that are null, or objects themselves, are left out.
using WmiObject = std::map<std::string, std::string>;

/// Returns an empty text where the object has no such property.
std::string text_property(const WmiObject& object, const std::string& name);

/// Returns nullopt where the object has no such property, or where it is not a number.
std::optional<std::uint64_t> number_property(const WmiObject& object, const std::string& name);

/// Windows Management Instrumentation. ErrorKind::unsupported on a system without it: the base class answers so.
class Wmi {
public:
    virtual ~Wmi() = default;

    /// Runs a query. `name_space` is like R"(root\cimv2)", `wql` like "SELECT Name FROM Win32_OptionalFeature".
    /// ErrorKind::not_found where there is no such namespace or class, invalid where it is not WQL, timed_out after
    /// five seconds.
    virtual Result<std::vector<WmiObject>> query(const std::string& name_space, const std::string& wql) const;
};

}  // namespace machine
