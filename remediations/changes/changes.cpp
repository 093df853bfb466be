#include "remediations/changes/changes.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <boost/algorithm/string/case_conv.hpp>
#include <boost/json.hpp>

#include "remediations/changes/azure_request.hpp"
#include "remediations/changes/quarantine_room.hpp"
#include "remediations/changes/recovery.hpp"
#include "remediations/changes/windows_firewall_switch.hpp"

namespace remediations {

using machine::Result;

Changes::Changes(machine::Machine& machine, Journal* journal, std::string remediation, Mode mode)
    : machine_(machine), journal_(journal), remediation_(std::move(remediation)), mode_(mode) {}

Result<void> Changes::set(const Slot& slot, const SlotValue& wanted) {
    const auto now = current(slot);
    if (!now) return now.error();
    if (*now == wanted && !tool_ran_) return {};
    JournalStep step;
    step.remediation = remediation_;
    step.description = slot.describe(*now, wanted);
    step.slot = slot.identity();
    step.before = *now;
    step.after = wanted;
    const auto kept = std::ranges::find(kept_, step.slot, &KeptValue::slot);
    if (kept != kept_.end() && kept->value != *now) {
        step.before = kept->value;
        step.found = *now;
    }
    planned_[boost::json::serialize(step.slot)] = wanted;
    return act(step, [&] { return slot.write(machine_, wanted); });
}

Result<SlotValue> Changes::current(const Slot& slot) const {
    const auto planned = planned_.find(boost::json::serialize(slot.identity()));
    return mode_ == Mode::plan && planned != planned_.end() ? planned->second : slot.read(machine_);
}

Result<void> Changes::act(const JournalStep& intended, const std::function<Result<void>()>& action) {
    steps_.push_back({intended.description, undo_of(intended)});
    if (mode_ == Mode::plan) return {};
    auto step = intended;
    if (auto begun = journal_->begin(step); !begun) {
        steps_.pop_back();
        return begun.error();
    }
    const auto result = action();
    const auto ended = journal_->end(step.number, result ? StepOutcome::done : StepOutcome::failed,
                                     result ? std::string() : result.error().message);
    if (!result) {
        steps_.back().description += " (failed: " + result.error().message + ")";
        return result;
    }
    return ended;
}

Result<void> Changes::write_file(const machine::Path& path, const std::string& content, std::uint32_t mode) {
    if (content.size() > largest_file_content) {
        return machine::Error::too_large(
            fmt::format("{} would get {} bytes; what is larger than {} cannot be put back by undo", path,
                        content.size(), largest_file_content));
    }
    return set(*file_content_slot(path, mode), to_slot_value(content));
}

Result<void> Changes::create_folder(const machine::Path& path, std::uint32_t mode) {
    return set(*folder_slot(path, mode), "empty");
}

Result<machine::Path> Changes::place_in_quarantine(const machine::Path& path) {
    const auto last = path.find_last_of("/\\");
    const auto name = last == std::string::npos ? path : path.substr(last + 1);
    // A plan has no journal: any place where nothing is will do, and its description does not show it.
    if (!journal_) return path + ".quarantine-of-a-plan";
    constexpr std::size_t kept_quarantines = 10;
    const auto state_folder = journal_->folder().parent_path().parent_path();
    if (auto room = check_room_in_quarantine(machine_, path, state_folder.string()); !room) return room.error();
    std::error_code ignored;
    const bool is_first = !std::filesystem::exists(journal_->folder() / "quarantine", ignored);
    const auto discarded = discard_old_quarantines(state_folder, kept_quarantines - (is_first ? 1 : 0));
    if (!discarded) return discarded.error();
    const char separator = machine_.facts().platform == machine::Platform::windows ? '\\' : '/';
    return fmt::format("{}{}{}-{}", (journal_->folder() / "quarantine").string(), separator,
                       journal_->steps().size() + 1, name);
}

Result<void> Changes::quarantine(const machine::Path& path) {
    const auto to = place_in_quarantine(path);
    if (!to) return to.error();
    return set(*location_slot(path, *to), "quarantined");
}

Result<void> Changes::quarantine_unit_file(const machine::Path& path) {
    const auto to = place_in_quarantine(path);
    if (!to) return to.error();
    return set(*unit_file_slot(path, *to), "quarantined");
}

Result<void> Changes::create_link(const machine::Path& path, const machine::Path& target) {
    return set(*link_slot(path), SlotValue(target));
}

Result<void> Changes::set_registry_value(const std::string& key, const std::string& name,
                                         const machine::RegistryValue& value) {
    // The key of a kept value was there before the tool; if the tool took it away, undo must not.
    auto slot = registry_value_slot(key, name);
    const bool is_kept = std::ranges::find(kept_, slot->identity(), &KeptValue::slot) != kept_.end();
    if (!is_kept) slot = registry_value_slot(key, name, first_absent_key(machine_, key));
    return set(*slot, to_slot_value(value));
}

Result<void> Changes::remove_registry_value(const std::string& key, const std::string& name) {
    return set(*registry_value_slot(key, name), nullptr);
}

Result<void> Changes::remove_registry_key(const std::string& key) {
    return set(*registry_key_slot(key), nullptr);
}

Result<void> Changes::set_service_start(const std::string& service, machine::StartType start) {
    return set(*service_start_slot(service), to_slot_value(start));
}

Result<void> Changes::set_service_account(const std::string& service, const std::string& account) {
    return set(*service_account_slot(service), SlotValue(account));
}

Result<void> Changes::start_service(const std::string& service) {
    return set(*service_running_slot(service), "running");
}

Result<void> Changes::stop_service(const std::string& service) {
    return set(*service_running_slot(service), "stopped");
}

Result<void> Changes::restart_service(const std::string& service) {
    const auto state = current(*service_running_slot(service));
    if (!state) return state.error();
    if (*state == "stopped") return start_service(service);
    JournalStep step;
    step.remediation = remediation_;
    step.description = "restart service " + service;
    step.action = "restart-service";
    step.subject = service;
    return act(step, [&] { return machine_.services().restart(service); });
}

Result<void> Changes::set_service_restarts(const std::string& service, bool restarts) {
    return set(*service_restarts_slot(service), SlotValue(restarts));
}

Result<void> Changes::set_permissions(const machine::Path& path, const machine::FilePermissions& permissions) {
    return set(*permissions_slot(path), to_slot_value(permissions));
}

Result<void> Changes::set_security(const machine::Path& path, const std::string& sddl) {
    return set(*security_slot(path), SlotValue(sddl));
}

Result<void> Changes::remove_certificate(const std::string& store, const std::string& thumbprint) {
    return set(*certificate_slot(store, thumbprint), nullptr);
}

Result<void> Changes::end_process(const machine::Process& process) {
    JournalStep step;
    step.remediation = remediation_;
    step.subject = fmt::format("{} (process {})", process.name, process.pid);
    step.description = "end " + step.subject;
    step.action = "end-process";
    return act(step, [&] { return machine_.processes().end(process.pid, process.started); });
}

Result<void> Changes::remount(const machine::Path& target, const std::string& option) {
    return set(*mount_option_slot(target, option), SlotValue(option));
}

Result<void> Changes::thaw(const machine::Path& target) {
    JournalStep step;
    step.remediation = remediation_;
    step.description = "thaw the file system at " + target;
    step.action = "thaw";
    step.subject = target;
    return act(step, [&] { return machine_.mounts().thaw(target); });
}

Result<void> Changes::allow_outbound(const FirewallRule& rule) {
    return set(*firewall_rule_slot(rule), "present");
}

Result<void> Changes::set_host_route(const machine::Path& ip_program, const std::string& address,
                                     const HostRoute& route) {
    return set(*host_route_slot(ip_program, address), SlotValue(words_of(route)));
}

Result<void> Changes::set_windows_firewall_rule(const std::string& id, bool enabled) {
    return set(*windows_firewall_rule_slot(id), SlotValue(enabled));
}

Result<void> Changes::keep_registry_value(const std::string& key, const std::string& name) {
    const auto slot = registry_value_slot(key, name);
    auto value = current(*slot);
    if (!value) return value.error();
    kept_.push_back({slot->identity(), std::move(*value)});
    return {};
}

Result<void> Changes::run_tool(const machine::Command& command, const std::string& effect) {
    const auto line = command.arguments.empty()
                          ? command.program
                          : fmt::format("{} {}", command.program, fmt::join(command.arguments, " "));
    JournalStep step;
    step.remediation = remediation_;
    step.description = fmt::format("run {} ({})", line, effect);
    step.action = "run-tool";
    step.subject = line;
    step.kept = kept_;
    tool_ran_ = true;
    return act(step, [&]() -> Result<void> {
        const auto output = machine_.processes().run(command);
        if (!output) return output.error();
        if (output->exit_code == 0) return {};
        return machine::Error::refused(
            fmt::format("{} ended with exit code {}: {}", line, output->exit_code, output->err), output->exit_code);
    });
}

Result<void> Changes::change_azure(const std::string& action, const std::string& id, const std::string& description,
                                   const machine::ArmQuestion& request) {
    JournalStep step;
    step.remediation = remediation_;
    step.description = description;
    step.action = std::string(azure_action) + action;
    step.subject = id;
    return act(step, [&] { return change_in_azure(machine_, request); });
}

Result<void> Changes::reapply_vm(const std::string& vm_id) {
    return change_azure("reapply", vm_id, "reapply " + vm_id,
                        {.path = vm_id + "/reapply", .members = {}, .method = "POST"});
}

Result<void> Changes::delete_vm_extension(const std::string& id) {
    return change_azure("delete-extension", id, "delete " + id, {.path = id, .members = {}, .method = "DELETE"});
}

Result<void> Changes::register_provider(const std::string& id) {
    return change_azure("register-provider", id, "register " + id,
                        {.path = id + "/register", .members = {}, .method = "POST"});
}

Result<void> Changes::cancel_backup_job(const std::string& id) {
    return change_azure("cancel-job", id, "cancel " + id, {.path = id + "/cancel", .members = {}, .method = "POST"});
}

Result<void> Changes::delete_restore_points(const std::string& id) {
    return change_azure("delete-restore-points", id, "delete " + id, {.path = id, .members = {}, .method = "DELETE"});
}

Result<void> Changes::end_export(const std::string& disk_restore_point) {
    return change_azure("end-export", disk_restore_point, "end the export of " + disk_restore_point,
                        {.path = disk_restore_point + "/endGetAccess", .members = {}, .method = "POST"});
}

Result<void> Changes::remove_azure_lock(const std::string& id) {
    return set(*azure_lock_slot(id), nullptr);
}

Result<void> Changes::set_protection_policy(const std::string& item, const std::string& vm, const std::string& policy) {
    return set(*azure_protection_slot(item, vm), SlotValue(boost::to_lower_copy(policy)));
}

Result<void> Changes::allow_keys(const std::string& vault, const std::string& object, const KeyAccess& added) {
    const auto slot = azure_key_access_slot(vault, object);
    const auto now = current(*slot);
    if (!now) return now.error();
    return set(*slot, with_access(*now, added));
}

bool Changes::azure_shows(const std::function<bool(const machine::Machine&)>& is_so, std::chrono::seconds patience) {
    constexpr std::chrono::seconds pause{5};
    if (is_plan()) return true;
    for (std::chrono::seconds waited{0};; waited += pause) {
        machine_.azure().look_anew();
        machine_.forget_derived();
        if (is_so(machine_)) return true;
        if (waited >= patience || !machine_.wait(pause)) return false;
    }
}

}  // namespace remediations
