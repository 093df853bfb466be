#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>

#include "remediations/changes/slot.hpp"

namespace remediations {

/// One kind of slot: how the journal names it, and how it is made again from what the journal says. Each is defined in
/// the file of its slot.
struct SlotKind {
    std::string_view name;      ///< member "kind" of an identity
    std::string_view texts[2];  ///< members of an identity that must be there and hold a text that is not empty
    /// Gets an identity that has `texts`.
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
    entry(windows_firewall_rule) \
    entry(azure_lock)
// clang-format on

#define DECLARE_KIND(name) extern const SlotKind name##_kind;
SLOT_KINDS(DECLARE_KIND)
#undef DECLARE_KIND

/// The text of a member; empty where there is none.
std::string text_of(const boost::json::object& object, std::string_view member);
/// Member "mode" of an identity: permission bits.
machine::Result<std::uint32_t> mode_in(const boost::json::object& identity);
/// ErrorKind::invalid, "journal: ..."
machine::Error invalid_value(const std::string& what);
/// A value as a person reads it in a description.
std::string show(const SlotValue& value);

/// Absence is a value of a slot, not a failure to read it.
template <class T>
machine::Result<SlotValue> absent_or(const machine::Result<T>& read) {
    if (read) return to_slot_value(*read);
    if (read.error().kind == machine::ErrorKind::not_found) return SlotValue(nullptr);
    return read.error();
}

}  // namespace remediations
