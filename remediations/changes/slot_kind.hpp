#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>

#include "remediations/changes/slot.hpp"

namespace remediations {

/// A kind of slot: its name in the journal, and the function that makes the slot from the journal's object. Each kind
/// is defined in the file of its slot.
struct SlotKind {
    std::string_view name;      ///< member "kind" of an identity
    std::string_view texts[2];  ///< required members of an identity, each a text that is not empty
    /// Makes the slot. `identity` has all members of `texts`.
    machine::Result<std::unique_ptr<Slot>> (*make)(const boost::json::object& identity);
};

// The one list of all kinds of slots.
// clang-format off
#define SLOT_KINDS(entry)        \
    entry(file_content)          \
    entry(folder)                \
    entry(location)              \
    entry(registry_value)        \
    entry(registry_key)          \
    entry(service_start)         \
    entry(service_account)       \
    entry(service_running)       \
    entry(service_restarts)      \
    entry(permissions)           \
    entry(security)              \
    entry(certificate)           \
    entry(mount_option)          \
    entry(firewall_rule)         \
    entry(host_route)            \
    entry(link)                  \
    entry(unit_file)             \
    entry(windows_firewall_rule) \
    entry(azure_lock)            \
    entry(azure_protection)      \
    entry(azure_key_access)
// clang-format on

#define DECLARE_KIND(name) extern const SlotKind name##_kind;
SLOT_KINDS(DECLARE_KIND)
#undef DECLARE_KIND

/// Returns the text of a member; empty where there is none.
std::string text_of(const boost::json::object& object, std::string_view member);
/// Returns the member "mode" of an identity: permission bits.
machine::Result<std::uint32_t> mode_in(const boost::json::object& identity);
/// Returns ErrorKind::invalid with the message "journal: ..."
machine::Error invalid_value(const std::string& what);
/// Returns the value as text for a description.
std::string show(const SlotValue& value);

/// Turns ErrorKind::not_found into the value "absent"; other errors stay errors.
template <class T>
machine::Result<SlotValue> absent_or(const machine::Result<T>& read) {
    if (read) return to_slot_value(*read);
    if (read.error().kind == machine::ErrorKind::not_found) return SlotValue(nullptr);
    return read.error();
}

}  // namespace remediations
