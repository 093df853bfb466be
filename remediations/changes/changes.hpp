#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "remediations/changes/azure_key_access.hpp"
#include "remediations/changes/firewall_rule.hpp"
#include "remediations/changes/host_route.hpp"
#include "remediations/changes/journal.hpp"
#include "remediations/changes/planned_step.hpp"
#include "remediations/changes/slot.hpp"
#include "remediations/machine/machine.hpp"

namespace remediations {

/// The only way for a fix to change the machine. Each step is written to the journal first, with the value before it,
/// and synced to disk; only then is the step done. A step whose wanted value is already there does nothing and is not
/// recorded. Exception: after a tool ran, the step is always done, because the effect of a tool cannot be foreseen; so
/// a plan and its execution list the same steps.
class Changes {
public:
    /// Mode::plan records the steps that would be done; it touches neither the machine nor the journal.
    enum class Mode { apply, plan };

    /// `journal` is nullptr in Mode::plan; else its folder also holds the quarantine of the run.
    Changes(machine::Machine& machine, Journal* journal, std::string remediation, Mode mode);

    /// Returns the machine, for a fix that must look again before its next step.
    const machine::Machine& machine() const { return machine_; }

    /// Replaces or creates a file of at most largest_file_content bytes (slot.hpp). An existing file keeps its owner,
    /// mode and attributes.
    machine::Result<void> write_file(const machine::Path& path, const std::string& content, std::uint32_t mode = 0600);
    /// Creates a folder whose parent exists. Undo removes it again, unless it is not empty by then.
    machine::Result<void> create_folder(const machine::Path& path, std::uint32_t mode);
    /// Moves a file or tree into the run's quarantine; removes the quarantines of all but the newest ten runs.
    /// ErrorKind::refused where there is no room for a copy (quarantine_room.hpp).
    machine::Result<void> quarantine(const machine::Path& path);
    /// The same for a unit or drop-in of systemd, which then reads its units anew.
    machine::Result<void> quarantine_unit_file(const machine::Path& path);
    /// Makes a symbolic link where nothing is. Undo removes it again.
    machine::Result<void> create_link(const machine::Path& path, const machine::Path& target);
    machine::Result<void> set_registry_value(const std::string& key, const std::string& name,
                                             const machine::RegistryValue& value);
    machine::Result<void> remove_registry_value(const std::string& key, const std::string& name);
    machine::Result<void> remove_registry_key(const std::string& key);
    machine::Result<void> set_service_start(const std::string& service, machine::StartType start);
    machine::Result<void> set_service_account(const std::string& service, const std::string& account);
    machine::Result<void> start_service(const std::string& service);
    /// Starts the service where it is stopped. Undo restarts it once more, after everything else was put back.
    machine::Result<void> restart_service(const std::string& service);
    /// Stops a service that a later step starts again. Undo leaves the service as it finds it.
    machine::Result<void> stop_service(const std::string& service);
    /// Sets whether systemd restarts the service when it ends.
    machine::Result<void> set_service_restarts(const std::string& service, bool restarts);
    /// Sets mode, owner and group of a file or folder.
    machine::Result<void> set_permissions(const machine::Path& path, const machine::FilePermissions& permissions);
    /// Windows: sets owner, group and access control list of a file or folder (SDDL), but not of its content.
    machine::Result<void> set_security(const machine::Path& path, const std::string& sddl);
    /// Removes a certificate from a store of the computer ("My"). Its private key stays.
    machine::Result<void> remove_certificate(const std::string& store, const std::string& thumbprint);
    /// Kills a process; the process gets no request to end by itself. Undo cannot bring it back.
    machine::Result<void> end_process(const machine::Process& process);
    /// Sets a mount option that has an opposite, such as "exec". Does not change fstab.
    machine::Result<void> remount(const machine::Path& target, const std::string& option);
    /// Thaws a frozen file system. Undo leaves it thawed.
    machine::Result<void> thaw(const machine::Path& target);
    /// Puts a rule of this program first in a chain of the firewall.
    machine::Result<void> allow_outbound(const FirewallRule& rule);
    /// Adds a route to one address alone, or replaces the one that comes first; host_route.hpp. It lasts until the
    /// network is configured anew.
    machine::Result<void> set_host_route(const machine::Path& ip_program, const std::string& address,
                                         const HostRoute& route);
    /// Enables or disables a local outbound rule of Windows Defender Firewall; see windows_firewall_switch.hpp.
    machine::Result<void> set_windows_firewall_rule(const std::string& id, bool enabled);
    /// Keeps a registry value that a tool of this fix may rewrite. Undo puts back the kept value, not the one that the
    /// tool leaves.
    machine::Result<void> keep_registry_value(const std::string& key, const std::string& name);
    /// Runs a tool. Its effect cannot be undone, except on values that were kept before. `effect` says what it does. A
    /// non-zero exit code is a failure.
    machine::Result<void> run_tool(const machine::Command& command, const std::string& effect);

    // In Azure, by full resource ids. Each is harmless when it is done once more.

    // Undo takes none of these back.

    /// Renews the state of Azure's model of the VM; it restarts nothing.
    machine::Result<void> reapply_vm(const std::string& vm_id);
    /// An extension that is gone already is a success.
    machine::Result<void> delete_vm_extension(const std::string& id);
    /// `id`: "/subscriptions/<id>/providers/Microsoft.Compute". Azure goes on with it afterwards.
    machine::Result<void> register_provider(const std::string& id);
    machine::Result<void> cancel_backup_job(const std::string& id);
    /// With a person's token alone: a collection, and all its restore points.
    machine::Result<void> delete_restore_points(const std::string& id);
    /// With a person's token alone: ends the access (SAS) that somebody was given to a restore point of a disk.
    machine::Result<void> end_export(const std::string& disk_restore_point);

    // With a person's token alone; undo takes them back.

    /// Undo puts the lock back with its level and notes.
    machine::Result<void> remove_azure_lock(const std::string& id);
    /// Lets a backup item protect the VM by that policy. Undo stops the protection, its data kept.
    machine::Result<void> set_protection_policy(const std::string& item, const std::string& vm,
                                                const std::string& policy);
    /// Adds to what an object of the directory may do with a key vault (azure_key_access.hpp).
    machine::Result<void> allow_keys(const std::string& vault, const std::string& object, const KeyAccess& added);

    /// Azure may show what was before for some seconds. Looks anew until it shows `is_so`, for a minute at most; true
    /// at once in a plan.
    bool azure_shows(const std::function<bool(const machine::Machine&)>& is_so,
                     std::chrono::seconds patience = std::chrono::seconds(60));

    /// Returns true if the steps are only listed. A fix then need not wait or look again.
    bool is_plan() const { return mode_ == Mode::plan; }

    /// Returns the steps in order, such as "set Extensions.Enabled ...". They are the same in plan and apply.
    const std::vector<PlannedStep>& steps() const { return steps_; }

private:
    machine::Result<void> set(const Slot& slot, const SlotValue& wanted);
    machine::Result<SlotValue> current(const Slot& slot) const;
    /// Where the next tree that goes to quarantine lies then, once there is room for it.
    machine::Result<machine::Path> place_in_quarantine(const machine::Path& path);
    machine::Result<void> act(const JournalStep& step, const std::function<machine::Result<void>()>& action);
    machine::Result<void> change_azure(const std::string& action, const std::string& id, const std::string& description,
                                       const machine::ArmQuestion& request);

    machine::Machine& machine_;
    Journal* journal_;
    std::string remediation_;
    Mode mode_;
    std::vector<PlannedStep> steps_;
    std::map<std::string, SlotValue> planned_;  ///< by slot identity: the value that earlier steps will have left
    std::vector<KeptValue> kept_;
    bool tool_ran_ = false;
};

}  // namespace remediations
