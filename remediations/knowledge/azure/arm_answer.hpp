#pragma once

#include <boost/json/value.hpp>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "remediations/machine/machine.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::azure {

/// The role definition in manifest/roles that has all actions of a look.
inline constexpr auto look_role = "Backup Remediation: look";

/// The wanted members of Azure's answer. A refusal is an Error: not_found for HTTP 404, access_denied for a missing
/// right, whose message names the action and the role; refused where a lock forbids the question itself.
machine::Result<boost::json::value> ask(const machine::Machine& machine, const machine::ArmQuestion& question);

// Members by path ("properties.vmId"), whatever is missing or of another type: Azure has written numbers as text,
// enumerations as numbers, and null for both.

const boost::json::value* find(const boost::json::value& value, std::string_view path);
std::string text_of(const boost::json::value& value, std::string_view path);
std::optional<std::int64_t> number_of(const boost::json::value& value, std::string_view path);
std::optional<bool> switch_of(const boost::json::value& value, std::string_view path);
/// "2026-11-29T08:00:00.1234567Z", also with an offset. "Never" (2001-01-01) is none.
std::optional<std::chrono::system_clock::time_point> time_of(const boost::json::value& value, std::string_view path);
/// Empty where there is none.
const boost::json::array& list_of(const boost::json::value& value, std::string_view path);

/// "2026-11-29 08:00 UTC"
std::string shown(std::chrono::system_clock::time_point time);

/// Ids compare without case.
bool is_same_id(std::string_view one, std::string_view other);
/// The segment behind that name: ("/subscriptions/s/resourceGroups/g/...", "resourceGroups") is "g"; empty without.
std::string part_of(std::string_view id, std::string_view name);
/// "/subscriptions/s", "/subscriptions/s/resourceGroups/g"; empty where the id has none.
std::string subscription_of(std::string_view id);
std::string group_of(std::string_view id);
std::string name_of(std::string_view id);

/// Unknown, because Azure did not say it.
Finding not_told(const machine::Error& error);

}  // namespace remediations::azure
