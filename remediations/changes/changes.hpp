#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "remediations/changes/firewall_rule.hpp"
#include "remediations/changes/journal.hpp"
#include "remediations/changes/planned_step.hpp"
#include "remediations/changes/slot.hpp"
#include "remediations/machine/machine.hpp"

namespace remediations {

/// The only way a fix changes the machine. Every step is written to the journal, with what was
/// there before, and synced; only then is it done. A step that finds its wish already fulfilled
/// does nothing and is not recorded, unless a tool ran before it, whose effect nobody can foresee:
/// then it is done in any case, so that a plan and its execution list the same steps.
class Changes {
public:
    /// Plan records what would be done, without touching machine or journal.
    enum class Mode { apply, plan };

    /// `run_folder` keeps the journal and whatever is moved out of the way.
    Changes(machine::Machine& machine, Journal* journal, std::string remediation, Mode mode);

    /// For a fix that must look again before its next step.
    const machine::Machine& machine() const { return machine_; }

    /// Replaces or creates a file of at most largest_file_content bytes (slot.hpp); keeps owner, mode and attributes of
    /// an existing one.
    machine::Result<void> write_file(const machine::Path& path, const std::string& content, std::uint32_t mode = 0600);
    /// Makes a folder whose parent exists. Undo removes it again, unless something lies in it by then.
    machine::Result<void> create_folder(const machine::Path& path, std::uint32_t mode);
    /// Moves a file or tree into the run's quarantine; removes the quarantines of all but the newest ten runs.
    /// ErrorKind::refused where there is no room for a copy (quarantine_room.hpp).
    machine::Result<void> quarantine(const machine::Path& path);
    machine::Result<void> set_registry_value(const std::string& key, const std::string& name,
                                             const machine::RegistryValue& value);
    machine::Result<void> remove_registry_value(const std::string& key, const std::string& name);
    machine::Result<void> remove_registry_key(const std::string& key);
    machine::Result<void> set_service_start(const std::string& service, machine::StartType start);
    machine::Result<void> set_service_account(const std::string& service, const std::string& account);
    machine::Result<void> start_service(const std::string& service);
    /// Starts it where it is stopped. Undo restarts it once more, after the rest was put back.
    machine::Result<void> restart_service(const std::string& service);
    /// Stops a service that a later step starts again; undo leaves it as it was found.
    machine::Result<void> stop_service(const std::string& service);
    /// Whether systemd starts a service again when it ends.
    machine::Result<void> set_service_restarts(const std::string& service, bool restarts);
    /// Mode, owner and group of a file or folder.
    machine::Result<void> set_permissions(const machine::Path& path, const machine::FilePermissions& permissions);
    /// Windows: owner, group and access control list, in SDDL, of a file or folder, not of what lies in it.
    machine::Result<void> set_security(const machine::Path& path, const std::string& sddl);
    /// Takes a certificate out of a store of the computer ("My"); its private key stays.
    machine::Result<void> remove_certificate(const std::string& store, const std::string& thumbprint);
    /// Ends a process without asking it. Undo cannot bring it back.
    machine::Result<void> end_process(const machine::Process& process);
    /// Gives a mount an option that has an opposite: "exec". fstab stays as it is.
    machine::Result<void> remount(const machine::Path& target, const std::string& option);
    /// Ends the freeze of a file system. Undo leaves it thawed.
    machine::Result<void> thaw(const machine::Path& target);
    /// Puts a rule of ours first in a chain of the firewall.
    machine::Result<void> allow_outbound(const FirewallRule& rule);
    /// Whether a local outbound rule of Windows Defender Firewall is in effect; windows_firewall_switch.hpp.
    machine::Result<void> set_windows_firewall_rule(const std::string& id, bool enabled);
    /// Remembers a value that a tool of this fix may rewrite: undo leads back to it, not to what the tool will have
    /// left.
    machine::Result<void> keep_registry_value(const std::string& key, const std::string& name);
    /// A tool whose effect cannot be undone, save on what was kept before; `effect` says what it does. A non-zero exit
    /// code is a failure.
    machine::Result<void> run_tool(const machine::Command& command, const std::string& effect);

    // In Azure, by full resource ids. Undo takes none of these back but the lock; each is harmless when it is done once
    // more.

    /// Renews the state of Azure's model of the VM; it restarts nothing.
    machine::Result<void> reapply_vm(const std::string& vm_id);
    /// An extension that is gone already is a success.
    machine::Result<void> delete_vm_extension(const std::string& id);
    /// `id`: "/subscriptions/<id>/providers/Microsoft.Compute". Azure goes on with it afterwards.
    machine::Result<void> register_provider(const std::string& id);
    machine::Result<void> cancel_backup_job(const std::string& id);
    /// With a person's token alone. Undo puts the lock back with its level and notes.
    machine::Result<void> remove_azure_lock(const std::string& id);
    /// With a person's token alone: a collection, and all its restore points.
    machine::Result<void> delete_restore_points(const std::string& id);
    /// Azure may show what was before for some seconds. Looks anew until it shows `is_so`, for a minute at most; true
    /// at once in a plan.
    bool azure_shows(const std::function<bool(const machine::Machine&)>& is_so,
                     std::chrono::seconds patience = std::chrono::seconds(60));

    /// Whether the steps are only listed; a fix that waits or looks again need not.
    bool is_plan() const { return mode_ == Mode::plan; }

    /// In order: "set Extensions.Enabled ..." The same in plan and apply.
    const std::vector<PlannedStep>& steps() const { return steps_; }

private:
    machine::Result<void> set(const Slot& slot, const SlotValue& wanted);
    machine::Result<SlotValue> current(const Slot& slot) const;
    machine::Result<void> act(const JournalStep& step, const std::function<machine::Result<void>()>& action);
    machine::Result<void> change_azure(const std::string& action, const std::string& id, const std::string& description,
                                       const machine::ArmQuestion& request);

    machine::Machine& machine_;
    Journal* journal_;
    std::string remediation_;
    Mode mode_;
    std::vector<PlannedStep> steps_;
    std::map<std::string, SlotValue> planned_;  ///< by slot identity: what earlier steps will have left
    std::vector<KeptValue> kept_;
    bool tool_ran_ = false;
};

}  // namespace remediations
