#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "remediations/machine/machine.hpp"

namespace remediations {

/// The content of a slot as the journal keeps it; JSON null means "absent".
using SlotValue = boost::json::value;

/// One place of the machine that holds a value which can be read and put back: a file's content, a
/// registry value, a service's start type. Undo knows nothing else: it compares what is in the
/// slot with what we left there, and puts back what was there before.
class Slot {
public:
    virtual ~Slot() = default;

    /// Written to the journal; make_slot turns it back into the slot.
    virtual boost::json::object identity() const = 0;
    /// "set start type of COMSysApp from disabled to manual"
    virtual std::string describe(const SlotValue& before, const SlotValue& after) const = 0;
    virtual machine::Result<SlotValue> read(const machine::Machine& machine) const = 0;
    virtual machine::Result<void> write(machine::Machine& machine, const SlotValue& value) const = 0;
    /// Why a write of `before` would not lead back to it: something that belongs to it is not kept here. A sentence for
    /// people that says what to do; empty where it would.
    virtual std::string why_not_put_back(const SlotValue& /*before*/) const { return {}; }
    /// Whether `now` is what a write of either value leaves when a crash cuts it short.
    virtual bool is_between(const SlotValue& /*now*/, const SlotValue& /*before*/, const SlotValue& /*after*/) const {
        return false;
    }
    /// Removes what a write that a crash cut short left beside the slot, which holds `value` or somebody else's.
    virtual machine::Result<void> clean_up(machine::Machine& /*machine*/, const SlotValue& /*value*/) const {
        return {};
    }
};

/// A larger file is neither read nor written by its slot, bytes.
inline constexpr std::size_t largest_file_content = std::size_t{32} << 20;
std::unique_ptr<Slot> file_content_slot(machine::Path path, std::uint32_t mode_if_created);
/// Holds "empty" or "in use" while the folder is there (one that is in use stays at undo), "no folder"
/// while something else has its name.
std::unique_ptr<Slot> folder_slot(machine::Path path, std::uint32_t mode_if_created);
/// Holds "original" while the tree is at `from`, "quarantined" while it is at `to`.
std::unique_ptr<Slot> location_slot(machine::Path from, machine::Path to);
/// `first_new_key` is the highest key on the way to `key` that comes with the value, as first_absent_key() tells; it
/// goes again with the value when nothing else lies in it by then.
std::unique_ptr<Slot> registry_value_slot(std::string key, std::string name, std::string first_new_key = {});
/// The highest key on the way to `key` that does not exist; empty where `key` does.
std::string first_absent_key(const machine::Machine& machine, const std::string& key);
/// A registry key with all below it; can be removed and put back.
std::unique_ptr<Slot> registry_key_slot(std::string key);
std::unique_ptr<Slot> service_start_slot(std::string service);
std::unique_ptr<Slot> service_account_slot(std::string service);
/// Holds "running" or "stopped".
std::unique_ptr<Slot> service_running_slot(std::string service);

/// Mode, owner and group of a file or folder.
std::unique_ptr<Slot> permissions_slot(machine::Path path);
/// Owner, group and access control list of a file or folder of Windows, as SDDL.
std::unique_ptr<Slot> security_slot(machine::Path path);
/// A certificate in a store of the computer, serialized with its properties; its private key is not part of it.
std::unique_ptr<Slot> certificate_slot(std::string store, std::string thumbprint);
/// Whether systemd starts a service again when it ends. Written with a drop-in of ours; put back by removing it.
std::unique_ptr<Slot> service_restarts_slot(std::string service);
/// Which of an option and its opposite a mount has, "exec" or "noexec"; `option` is either of them.
std::unique_ptr<Slot> mount_option_slot(machine::Path target, std::string option);

/// A management lock of Azure: its level and notes, absent where there is none.
std::unique_ptr<Slot> azure_lock_slot(std::string id);

/// The slot with this identity; ErrorKind::invalid names the field that is wrong.
machine::Result<std::unique_ptr<Slot>> make_slot(const boost::json::object& identity);

SlotValue to_slot_value(const std::string& file_content);
SlotValue to_slot_value(const machine::RegistryValue& value);
SlotValue to_slot_value(machine::StartType start);
SlotValue to_slot_value(const machine::FilePermissions& permissions);

}  // namespace remediations
