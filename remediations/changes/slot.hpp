#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "remediations/machine/machine.hpp"

namespace remediations {

/// The value of a slot as the journal keeps it. JSON null means "absent".
using SlotValue = boost::json::value;

/// A place of the machine that holds a value which can be read and put back: the content of a file, a registry value,
/// the start type of a service. Undo knows nothing but slots: it compares the current value with the one that the run
/// left, and puts back the value before.
class Slot {
public:
    virtual ~Slot() = default;

    /// Returns the JSON object for the journal. make_slot() makes the slot from it again.
    virtual boost::json::object identity() const = 0;
    /// Returns the change for people: "set start type of COMSysApp from disabled to manual"
    virtual std::string describe(const SlotValue& before, const SlotValue& after) const = 0;
    virtual machine::Result<SlotValue> read(const machine::Machine& machine) const = 0;
    virtual machine::Result<void> write(machine::Machine& machine, const SlotValue& value) const = 0;
    /// Returns why writing `before` would not restore it, because the slot does not keep all that belongs to it: a
    /// sentence for people that says what to do. Returns an empty text where writing restores it.
    virtual std::string why_not_put_back(const SlotValue& /*before*/) const { return {}; }
    /// Returns true if `now` is a value that a write of `before` or `after` leaves when a crash interrupts it.
    virtual bool is_between(const SlotValue& /*now*/, const SlotValue& /*before*/, const SlotValue& /*after*/) const {
        return false;
    }
    /// Removes what an interrupted write left beside the slot. The slot itself then holds `value` or a value that
    /// somebody else wrote.
    virtual machine::Result<void> clean_up(machine::Machine& /*machine*/, const SlotValue& /*value*/) const {
        return {};
    }
};

/// In bytes. A slot neither reads nor writes a larger file.
inline constexpr std::size_t largest_file_content = std::size_t{32} << 20;
std::unique_ptr<Slot> file_content_slot(machine::Path path, std::uint32_t mode_if_created);
/// Holds "empty" or "in use" while the folder exists, "no folder" while something else has its name. Undo leaves a
/// folder that is in use.
std::unique_ptr<Slot> folder_slot(machine::Path path, std::uint32_t mode_if_created);
/// Holds "original" while the tree is at `from`, "quarantined" while it is at `to`.
std::unique_ptr<Slot> location_slot(machine::Path from, machine::Path to);
/// The same of a unit or drop-in of systemd, which reads its units anew whenever the file was moved.
std::unique_ptr<Slot> unit_file_slot(machine::Path from, machine::Path to);
/// Holds the target of a symbolic link, null where its name is free.
std::unique_ptr<Slot> link_slot(machine::Path path);
/// `first_new_key` is the result of first_absent_key(): the highest key that is created together with the value. It is
/// removed together with the value, unless it holds anything else by then.
std::unique_ptr<Slot> registry_value_slot(std::string key, std::string name, std::string first_new_key = {});
/// Returns the highest key on the path to `key` that does not exist; empty where `key` exists.
std::string first_absent_key(const machine::Machine& machine, const std::string& key);
/// A registry key with everything below it. It can be removed and put back.
std::unique_ptr<Slot> registry_key_slot(std::string key);
std::unique_ptr<Slot> service_start_slot(std::string service);
std::unique_ptr<Slot> service_account_slot(std::string service);
/// Holds "running" or "stopped".
std::unique_ptr<Slot> service_running_slot(std::string service);

/// Holds mode, owner and group of a file or folder.
std::unique_ptr<Slot> permissions_slot(machine::Path path);
/// Holds owner, group and access control list of a file or folder of Windows, as SDDL.
std::unique_ptr<Slot> security_slot(machine::Path path);
/// Holds a certificate in a store of the computer, serialized with its properties, without its private key.
std::unique_ptr<Slot> certificate_slot(std::string store, std::string thumbprint);
/// Holds whether systemd restarts the service when it ends. Writing creates a drop-in file of this program; undo
/// removes it.
std::unique_ptr<Slot> service_restarts_slot(std::string service);
/// Holds the one that is set of a mount option and its opposite: "exec" or "noexec". `option` may be either.
std::unique_ptr<Slot> mount_option_slot(machine::Path target, std::string option);

/// A management lock of Azure: its level and notes, absent where there is none.
std::unique_ptr<Slot> azure_lock_slot(std::string id);
/// The policy (resource id, in lower case) by which a vault's backup item protects its VM; null where the protection is
/// stopped and its data kept.
std::unique_ptr<Slot> azure_protection_slot(std::string item, std::string vm);

/// Returns the slot with this identity. ErrorKind::invalid names the wrong member.
machine::Result<std::unique_ptr<Slot>> make_slot(const boost::json::object& identity);

SlotValue to_slot_value(const std::string& file_content);
SlotValue to_slot_value(const machine::RegistryValue& value);
SlotValue to_slot_value(machine::StartType start);
SlotValue to_slot_value(const machine::FilePermissions& permissions);

}  // namespace remediations
