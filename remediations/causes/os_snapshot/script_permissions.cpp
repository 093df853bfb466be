#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "remediations/changes/changes.hpp"
#include "remediations/knowledge/snapshot/script_framework.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::script_permissions {

namespace {

constexpr std::uint32_t configuration_mode = 0600;
constexpr std::uint32_t script_mode = 0700;
constexpr std::uint32_t group_and_others = 077;
constexpr std::uint32_t writable_by_others = 022;
constexpr std::uint32_t owner_execute = 0100;

struct Look {
    std::vector<Evidence> evidence;
    std::vector<std::string> wrong;   ///< paths
    std::vector<std::string> unsafe;  ///< those of `wrong` that another user than root could have written or replaced
    std::optional<std::pair<std::string, machine::Error>> unreadable;  ///< the first

    void could_not_see(const machine::Path& path, machine::Error error) {
        if (!unreadable) unreadable = {path, std::move(error)};
    }
};

/// Returns a folder on the path to a file in which another user than root could replace the next part of the path;
/// empty where there is none. A folder that cannot be read does not count: the change itself checks again, and refuses.
machine::Path open_folder_on_the_way(const machine::Machine& machine, const machine::Path& path) {
    constexpr std::uint32_t sticky = 01000;
    for (auto slash = path.rfind('/'); slash != path.npos && slash > 0; slash = path.rfind('/', slash - 1)) {
        const auto folder = path.substr(0, slash);
        const auto status = machine.files().status(folder);
        if (!status || status->kind != machine::FileKind::directory) continue;
        const bool others_write = (status->mode & writable_by_others) != 0 && (status->mode & sticky) == 0;
        if (status->uid != 0 || others_write) return folder;
    }
    return {};
}

void look_at(const machine::Machine& machine, const machine::Path& path, std::uint32_t forbidden, std::uint32_t wanted,
             Look& look) {
    if (path.empty()) return;
    const auto status = machine.files().status(path);
    if (!status) {
        if (status.error().kind != machine::ErrorKind::not_found) look.could_not_see(path, status.error());
        return;
    }
    if (status->kind == machine::FileKind::symlink) {
        look.could_not_see(path, machine::Error::unsupported("it is a symbolic link, which is not followed here"));
        return;
    }
    const bool wrong_mode = (status->mode & forbidden) != 0;
    if (!wrong_mode && status->uid == 0) return;
    look.evidence.push_back({path, fmt::format("mode {}, owner {}", mode_digits(status->mode), status->uid),
                             fmt::format("mode {:o}, owner root (0)", wanted)});
    look.wrong.push_back(path);
    const auto folder = open_folder_on_the_way(machine, path);
    if (!folder.empty()) {
        look.evidence.push_back({folder, "somebody other than root can write to it, and so replace what lies in it",
                                 "root alone writes to it"});
    }
    if (status->uid != 0 || (status->mode & writable_by_others) != 0 || !folder.empty()) look.unsafe.push_back(path);
}

Finding diagnose(const machine::Machine& machine) {
    const auto host = read_plugin_host(machine);
    const auto file = host ? host->script_configuration : machine::Path(usual_script_configuration);
    const auto scripts = read_scripts(machine, file);
    if (!scripts) {
        if (scripts.error().kind != machine::ErrorKind::not_found) return Finding::unknown(file, scripts.error());
        return Finding::not_applicable("No scripts are to run before and after the snapshot.");
    }
    Look look;
    look_at(machine, file, group_and_others | owner_execute, configuration_mode, look);
    if (scripts->configuration) {
        look_at(machine, scripts->configuration->pre_script, group_and_others, script_mode, look);
        look_at(machine, scripts->configuration->post_script, group_and_others, script_mode, look);
    }
    if (look.wrong.empty()) {
        if (look.unreadable) return Finding::unknown(look.unreadable->first, look.unreadable->second);
        return Finding::healthy(
            "The scripts and their configuration have the owner and the mode that the extension wants.",
            {{file, "of root, closed to others", "of root, closed to others"}});
    }
    if (look.unreadable) {
        look.evidence.push_back({look.unreadable->first, look.unreadable->second.message, "it can be looked at"});
    }
    const auto summary = fmt::format("The extension refuses {} because of owner or mode, so the scripts do not run.",
                                     fmt::join(look.wrong, " and "));
    if (!look.unsafe.empty()) {
        // Root would run what somebody else may have written: a person has to read it first.
        const auto& path = look.unsafe.front();
        return weighed_as_script_fault(
            Finding::needs_operator(
                summary, std::move(look.evidence),
                fmt::format("Somebody other than root could write or replace {}, and root would run it: see that root "
                            "alone writes to it and to its folders, read it, then `chown root {}` and `chmod {:o} {}`.",
                            path, path, path == file ? configuration_mode : script_mode, path)),
            scripts->configuration, machine);
    }
    auto finding = weighed_as_script_fault(
        Finding::broken(summary, std::move(look.evidence),
                        fmt::format("Run `chmod 600 {}`, and `chmod 700` on the scripts.", file)),
        scripts->configuration, machine);
    finding.subjects = std::move(look.wrong);
    return finding;
}

machine::Result<void> fix(const Finding& finding, Changes& changes) {
    const auto host = read_plugin_host(changes.machine());
    const auto file = host ? host->script_configuration : machine::Path(usual_script_configuration);
    for (const auto& path : finding.subjects) {
        const auto status = changes.machine().files().status(path);
        if (!status) return status.error();
        const auto mode = path == file ? configuration_mode : script_mode;
        const auto set = changes.set_permissions(path, {mode, status->uid, status->gid});
        if (!set) return set.error();
    }
    return {};
}

}  // namespace

Remediation remediation() {
    return {
        .id = "script-permissions",
        .title = "The scripts before and after the snapshot have the wrong owner or mode",
        .layer = Layer::os_snapshot,
        .scope = Scope::linux,
        .error_codes = {"InsufficientPermissionforPre-Script", "InsufficientPermissionforPost-Script", "306", "307",
                        "317", "318"},
        .disruption = Disruption::none,
        .explanation =
            "Root runs the scripts, so the extension takes them and VMSnapshotScriptPluginConfig.json only where they "
            "belong to root and nobody else has any right to them; the configuration must not be executable either. "
            "The fix sets modes 700 and 600 where others could only read. What others could write, or what belongs to "
            "another user, is for a person to read first.",
        .source = "https://learn.microsoft.com/azure/backup/backup-azure-linux-app-consistent",
        .signals = {proof(Log::extension, "does not have desired permissions"),
                    {.role = Role::proof, .line = {Log::extension, "The owner of the "}, .with = {"but not root"}},
                    {.role = Role::proof, .results = {306, 307, 314, 315, 317, 318}}},
        .consequences = {"script-failed"},
        .diagnose = diagnose,
        .fix = fix,
    };
}

}  // namespace remediations::causes::script_permissions
