#include "handler/guard/guard_switch.hpp"

#include <fmt/format.h>

#include <charconv>

#include "handler/guard/guard_record.hpp"
#include "handler/report/paths.hpp"
#include "remediations/machine/local/detached_process.hpp"
#include "remediations/machine/local/durable_file.hpp"

namespace handler {

using machine::Result;
using machine::local::JobBy;

namespace {

constexpr std::size_t program_limit = std::size_t{64} << 20;

/// Removes the number before the next dot and returns it.
unsigned next_number(std::string_view& version) {
    unsigned number = 0;
    const auto part = version.substr(0, version.find('.'));
    std::from_chars(part.data(), part.data() + part.size(), number);
    version.remove_prefix(std::min(part.size() + 1, version.size()));
    return number;
}

bool is_runnable(const std::filesystem::path& program) {
    std::error_code code;
    const auto status = std::filesystem::symlink_status(program, code);
    return std::filesystem::is_regular_file(status) &&
           (status.permissions() & std::filesystem::perms::owner_exec) != std::filesystem::perms::none;
}

/// Installs the copy of the program. The settings, which name its version, are already on disk.
Result<void> put_program(const GuardTools& tools) {
    const auto target = guard_program(tools.state_folder);
    std::error_code code;
    const bool is_link = std::filesystem::is_symlink(std::filesystem::symlink_status(target, code));
    if (!is_link && std::filesystem::equivalent(tools.executable, target, code)) return {};
    const auto wanted = machine::local::read_file(tools.executable, program_limit);
    if (!wanted) return wanted.error();
    const auto present = machine::local::read_file(target, program_limit);
    if (present && *present == *wanted && is_runnable(target)) return {};
    // Something else of that name would be refused; the folder is ours alone.
    const auto status = std::filesystem::symlink_status(target, code);
    if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) {
        std::filesystem::remove_all(target, code);
    }
    return machine::local::write_program_durably(target, *wanted);
}

Result<JobBy> put_job(const GuardSettings& settings, const GuardTools& tools) {
    machine::local::RecurringJob job;
    job.name = guard_job_name;
    job.description = "Azure Backup of this VM: notices what fails, and repairs it (backup-remediation)";
    job.program = guard_program(tools.state_folder);
    job.argument = guard_command;
    job.every = settings.every;
    return tools.install_job(job);
}

/// Writes the settings first: the copy may be older than they say, but never newer.
Result<JobBy> put_in_place(const GuardSettings& settings, const std::optional<GuardSettings>& before,
                           const GuardTools& tools) {
    if (before != settings) {
        if (auto saved = save_guard_settings(tools.state_folder, settings); !saved) return saved.error();
    }
    if (settings.version == tools.version) {
        if (auto put = put_program(tools); !put) return put.error();
    }
    return put_job(settings, tools);
}

/// Returns nullopt also for a damaged file.
std::optional<GuardSettings> present_settings(const std::filesystem::path& state_folder) {
    auto present = load_guard_settings(state_folder);
    return present ? std::move(*present) : std::nullopt;
}

std::string newer_version(const std::optional<GuardSettings>& before, const GuardTools& tools) {
    const bool keeps =
        before && is_older_version(tools.version, before->version) && is_runnable(guard_program(tools.state_folder));
    return keeps ? before->version : tools.version;
}

}  // namespace

std::filesystem::path guard_program(const std::filesystem::path& state_folder) {
    auto program = guard_folder(state_folder) / "backup-remediation";
    return program += machine::local::this_executable().extension();  // .exe
}

bool is_older_version(std::string_view left, std::string_view right) {
    while (!left.empty() || !right.empty()) {
        const auto mine = next_number(left);
        const auto theirs = next_number(right);
        if (mine != theirs) return mine < theirs;
    }
    return false;
}

Result<JobBy> switch_guard_on(GuardSettings wanted, const GuardTools& tools) {
    const auto before = present_settings(tools.state_folder);
    wanted.suspended = false;
    wanted.version = newer_version(before, tools);
    if (before) {
        auto same = *before;
        same.handler_folder = wanted.handler_folder;
        same.version = wanted.version;
        same.suspended = false;
        same.by_hand = wanted.by_hand;
        // A person decided again, so a cause that was given up may be tried again.
        std::error_code code;
        if (same != wanted || wanted.by_hand) std::filesystem::remove(guard_record_file(tools.state_folder), code);
    }
    auto put = put_in_place(wanted, before, tools);
    if (!put) {
        if (auto removed = switch_guard_off(tools); !removed) {
            return machine::Error::failed(fmt::format("{}; and {}", put.error().message, removed.error().message));
        }
    }
    return put;
}

Result<void> switch_guard_off(const GuardTools& tools) {
    const auto folder = guard_folder(tools.state_folder);
    std::error_code code;
    if (!std::filesystem::exists(std::filesystem::symlink_status(folder, code))) return {};
    // While the settings are there, the next tick or `guard off` tries again.
    if (auto removed = tools.remove_job(guard_job_name); !removed) return removed;
    std::filesystem::remove_all(folder, code);
    if (code) return machine::Error::failed(fmt::format("{}: {}", to_text(folder), code.message()), code.value());
    return {};
}

Result<void> suspend_guard(const std::filesystem::path& state_folder) {
    auto present = load_guard_settings(state_folder);
    if (!present) return present.error();
    if (!*present || (*present)->suspended) return {};
    (*present)->suspended = true;
    return save_guard_settings(state_folder, **present);
}

Result<void> resume_guard(const std::filesystem::path& handler_folder, const GuardTools& tools) {
    const auto before = load_guard_settings(tools.state_folder);
    if (!before) return before.error();
    if (!*before || (*before)->mode == GuardMode::off) return {};
    auto wanted = **before;
    wanted.suspended = false;
    wanted.handler_folder = handler_folder;
    wanted.version = newer_version(*before, tools);
    const auto put = put_in_place(wanted, *before, tools);
    return put ? Result<void>() : put.error();
}

}  // namespace handler
