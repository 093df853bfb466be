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

/// The role definition in manifest/roles with all actions that a look needs.
inline constexpr auto look_role = "Backup Remediation: look";

/// Returns the wanted members of Azure's answer. A refusal is an Error: not_found for HTTP 404; access_denied for a
/// missing right, with action and role in the message; refused where a lock forbids the question itself.
machine::Result<boost::json::value> ask(const machine::Machine& machine, const machine::ArmQuestion& question);

/// The Error that ask() makes of a refusal.
machine::Error refused(const machine::ArmQuestion& question, const machine::ArmAnswer& answer);

// These return a member by its path ("properties.vmId"), or their empty value where it is missing or of another type:
// Azure has written numbers as text, enumerations as numbers, and null for both.

const boost::json::value* find(const boost::json::value& value, std::string_view path);
std::string text_of(const boost::json::value& value, std::string_view path);
std::optional<std::int64_t> number_of(const boost::json::value& value, std::string_view path);
std::optional<bool> switch_of(const boost::json::value& value, std::string_view path);
/// Parses "2026-11-29T08:00:00.1234567Z", also with an offset. "Never" (2001-01-01) is nullopt.
std::optional<std::chrono::system_clock::time_point> time_of(const boost::json::value& value, std::string_view path);
/// Returns an empty list where there is none.
const boost::json::array& list_of(const boost::json::value& value, std::string_view path);

/// Returns "2026-11-29 08:00 UTC".
std::string shown(std::chrono::system_clock::time_point time);

/// Compares ids without case.
bool is_same_id(std::string_view one, std::string_view other);
/// Returns the segment after that name: "g" for ("/subscriptions/s/resourceGroups/g/...", "resourceGroups"); empty
/// without one.
std::string part_of(std::string_view id, std::string_view name);
/// These return "/subscriptions/s", and "/subscriptions/s/resourceGroups/g"; empty where the id has none.
std::string subscription_of(std::string_view id);
std::string group_of(std::string_view id);
std::string name_of(std::string_view id);

/// Returns true if a person asks Azure, and named this id as one that may be changed (Question::azure_allow). The VM's
/// identity never may: everybody in the VM has it.
bool may_change(const machine::Machine& machine, const Question& question, std::string_view id);

/// Returns State::unknown, because Azure did not answer.
Finding not_told(const machine::Error& error);

}  // namespace remediations::azure
