#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>

#include "remediations/formats/zip_archive.hpp"
#include "remediations/knowledge/configuration/extension_folder.hpp"
#include "remediations/knowledge/extension/reinstall_extension.hpp"
#include "remediations/knowledge/extension/safefreeze.hpp"
#include "remediations/knowledge/extension/windows_extension_files.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::extension_damaged {

using machine::ErrorKind;
using machine::Machine;
using machine::Path;

namespace {

constexpr auto manifest_name = "HandlerManifest.json";
/// The agent writes this file when it unpacks the package; main/handle.sh reads its log folder from it.
constexpr auto environment_name = "HandlerEnvironment.json";
constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

/// Returns true if the extension cannot run without this file of its package. It can run without templates, sources and
/// the program for the other architecture.
bool is_needed(std::string_view name, std::string_view safefreeze) {
    if (name == manifest_name || name == safefreeze || name == "main/VMSnapshotPluginHost.conf") return true;
    if (!name.starts_with("main/") || name.starts_with("main/tempPlugin/")) return false;
    return name.ends_with(".py") || name == "main/handle.sh";
}

/// Returns false for files that may differ from the package: the agent writes the manifest again without its byte order
/// mark, and people may edit VMSnapshotPluginHost.conf.
bool is_compared(std::string_view name) {
    return !name.ends_with(".conf");
}

bool is_binary(std::string_view content) {
    return content.find('\0') != std::string_view::npos;
}

struct Comparison {
    std::vector<std::string> lost;  ///< names in the package: missing, empty, truncated or overwritten
    std::vector<Evidence> evidence;
    std::vector<Evidence> edited;  ///< complete files that differ from the package
    std::optional<machine::Error> unreadable;
};

void look_at(const Machine& machine, const Path& folder, const ZipArchive& package, const ZipEntry& entry,
             Comparison& comparison) {
    const auto path = folder + "/" + entry.name;
    const auto lose = [&](std::string seen) {
        comparison.lost.push_back(entry.name);
        comparison.evidence.push_back(
            {path, std::move(seen), fmt::format("{} bytes, as in {}", entry.size, package.path())});
    };
    const auto status = machine.files().status(path);
    if (!status) {
        if (status.error().kind == ErrorKind::not_found) return lose("missing");
        comparison.unreadable = status.error();
        return;
    }
    if (status->kind != machine::FileKind::regular) return lose("not a regular file");
    const auto content = machine.files().read(path);
    if (!content) {
        comparison.unreadable = content.error();
        return;
    }
    if (content->empty() && entry.size > 0) return lose("empty");
    if (!is_compared(entry.name)) return;
    if (content->size() == entry.size && crc32_of(*content) == entry.crc32) return;
    const auto packaged = package.extract(machine.files(), entry);
    if (!packaged) return;  // a damaged package proves nothing
    std::string_view expected = *packaged;
    if (expected.starts_with(byte_order_mark)) expected.remove_prefix(byte_order_mark.size());
    if (*content == expected) return;
    if (expected.starts_with(*content)) return lose(fmt::format("cut short after {} bytes", content->size()));
    if (is_binary(expected)) return lose(fmt::format("{} bytes with other content", content->size()));
    if (is_binary(*content)) return lose(fmt::format("{} bytes, zero bytes among them", content->size()));
    comparison.edited.push_back({path, fmt::format("{} bytes of other text", content->size()),
                                 fmt::format("{} bytes, as in {}", entry.size, package.path())});
}

/// Returns nullopt where the agent kept no usable package of this version.
std::optional<ZipArchive> package_of(const Machine& machine, const InstalledExtension& installed,
                                     const ExtensionFolder& folder) {
    const auto of_version = [&](const Path& path) {
        return path.ends_with("_" + folder.version + ".zip") || path.ends_with("-" + folder.version + ".zip");
    };
    const auto found = std::ranges::find_if(installed.packages, of_version);
    if (found == installed.packages.end()) return std::nullopt;
    auto package = ZipArchive::open(machine.files(), *found);
    const auto has_manifest = [](const ZipArchive& archive) {
        return std::ranges::any_of(archive.entries(), [](const auto& entry) { return entry.name == manifest_name; });
    };
    if (!package || !has_manifest(*package)) return std::nullopt;
    return std::move(*package);
}

void look_at_essential(const Machine& machine, const Path& folder, const char* name, const char* expected,
                       Comparison& comparison) {
    const auto path = folder + "/" + name;
    const auto begin = machine.files().read_range(path, 0, 1);
    if (begin && !begin->empty()) return;
    if (!begin && begin.error().kind != ErrorKind::not_found) {
        comparison.unreadable = begin.error();
        return;
    }
    comparison.lost.emplace_back(name);
    comparison.evidence.push_back({path, begin ? "empty" : "missing", expected});
}

bool holds(const ExtensionFolder& folder, std::string_view name) {
    return std::ranges::find(folder.names, name) != folder.names.end();
}

Comparison compare(const Machine& machine, const ExtensionFolder& folder, const std::optional<ZipArchive>& package) {
    Comparison comparison;
    look_at_essential(machine, folder.path, environment_name, "written by the agent when it unpacks", comparison);
    if (!package) {
        for (const auto* name : {"main/handle.sh", "main/handle.py"}) {
            look_at_essential(machine, folder.path, name, "a program; no package was kept", comparison);
        }
        return comparison;
    }
    const auto safefreeze = safefreeze_of(machine.facts());
    for (const auto& entry : package->entries()) {
        if (is_needed(entry.name, safefreeze)) look_at(machine, folder.path, *package, entry, comparison);
    }
    return comparison;
}

Finding diagnose(const Machine& machine) {
    if (machine.facts().platform == machine::Platform::windows) return diagnose_windows_extension_files(machine);
    const auto installed = installed_backup_extension(machine);
    if (!installed) return Finding::unknown("the folders of the backup extension", installed.error());
    const auto* folder = version_in_use(*installed);
    if (!folder) {
        return Finding::healthy("The backup extension is not installed; the agent installs it at the next backup.");
    }
    if (!holds(*folder, manifest_name) && !holds(*folder, "main")) {
        return Finding::not_applicable(fmt::format(
            "Version {} holds nothing of its package: it was never unpacked, or was removed.", folder->version));
    }
    if (folder->handler_status == "Installing") {
        return Finding::healthy(fmt::format("Version {} is just being installed.", folder->version));
    }
    const auto package = package_of(machine, *installed, *folder);
    auto comparison = compare(machine, *folder, package);
    if (comparison.lost.empty() && comparison.unreadable) {
        return Finding::unknown("the files of " + folder->path, *comparison.unreadable);
    }
    if (!comparison.lost.empty()) {
        auto finding = Finding::broken(
            fmt::format("{} of the files that version {} of the backup extension needs {} missing or damaged: {}.",
                        comparison.lost.size(), folder->version, comparison.lost.size() == 1 ? "is" : "are",
                        fmt::join(comparison.lost.begin(),
                                  comparison.lost.begin() +
                                      static_cast<std::ptrdiff_t>(std::min<std::size_t>(comparison.lost.size(), 5)),
                                  ", ")),
            std::move(comparison.evidence),
            package ? fmt::format("Restore these files from {}. Find out what removed them, often antivirus or a "
                                  "cleanup job, and exclude {} from it.",
                                  package->path(), folder->path)
                    : fmt::format("Have the agent install the extension afresh. Find out what removed the files, often "
                                  "antivirus or a cleanup job, and exclude {} from it.",
                                  folder->path));
        finding.subjects = std::move(comparison.lost);
        return finding;
    }
    if (!comparison.edited.empty()) {
        return Finding::needs_operator(
                   fmt::format("Somebody edited files of version {} of the backup extension.", folder->version),
                   std::move(comparison.edited),
                   fmt::format(
                       "If that was not meant, restore them from {} (python3 -m zipfile -e <package> <folder>).",
                       package->path()))
            .as_risk();
    }
    return Finding::healthy(
        package ? fmt::format("Version {} has all files that it needs, as in its package.", folder->version)
                : fmt::format("Version {} has its programs; no package was kept to compare it with.", folder->version));
}

/// Returns the missing folders between `root` and the file, the uppermost first.
std::vector<Path> missing_folders(const Machine& machine, const Path& root, const Path& file) {
    std::vector<Path> missing;
    for (auto folder = file.substr(0, file.rfind('/')); folder.size() > root.size();
         folder = folder.substr(0, folder.rfind('/'))) {
        if (machine.files().status(folder)) break;
        missing.insert(missing.begin(), folder);
    }
    return missing;
}

machine::Result<void> fix(const Finding& finding, Changes& changes) {
    const auto& machine = changes.machine();
    if (machine.facts().platform == machine::Platform::windows) {
        return restore_windows_extension_files(finding, changes);
    }
    const auto installed = installed_backup_extension(machine);
    if (!installed) return installed.error();
    const auto* folder = version_in_use(*installed);
    const auto package = folder ? package_of(machine, *installed, *folder) : std::nullopt;
    if (!package) return reinstall_backup_extension(changes);

    std::vector<std::pair<Path, std::string>> restored;
    for (const auto& name : finding.subjects) {
        const auto path = folder->path + "/" + name;
        const auto entry = std::ranges::find(package->entries(), name, &ZipEntry::name);
        if (entry == package->entries().end()) return reinstall_backup_extension(changes);
        auto content = package->extract(machine.files(), *entry);
        if (!content) return reinstall_backup_extension(changes);
        restored.emplace_back(path, std::move(*content));
    }
    // The agent's mode for unpacked files: only for root, and executable.
    constexpr std::uint32_t unpacked_mode = 0700;
    for (const auto& [path, content] : restored) {
        for (const auto& missing : missing_folders(machine, folder->path, path)) {
            if (auto made = changes.create_folder(missing, unpacked_mode); !made) return made;
        }
        if (auto written = changes.write_file(path, content, unpacked_mode); !written) return written;
    }
    return {};
}

}  // namespace

Remediation remediation() {
    return {
        .id = "extension-damaged",
        .title = "Files of the backup extension are missing or damaged",
        .layer = Layer::backup_extension,
        .scope = Scope::both,
        .error_codes = {"ExtensionOperationFailed", "ExtentionOperationFailed", "VMExtensionProvisioningError",
                        "BackUpOperationFailed", "BackUpOperationFailedV2", "VMRestorePointInternalError",
                        "UserErrorVmProvisioningStateFailed", "GuestAgentSnapshotTaskStatusError",
                        "ExtensionOperationFailedForManagedDisks", "2", "12", "124", "304", "313", "1002", "1003",
                        "IncorrectPluginhostFile", "InternalError"},
        .disruption = Disruption::none,
        .explanation =
            "The agent unpacked the backup extension from a package that it keeps beside its files. Files that are "
            "missing, empty, cut short or overwritten since then make every backup fail. The fix restores exactly "
            "these from the package, with their checksums proven; without a usable package it moves the extension to "
            "quarantine and the agent installs it afresh. Settings, state and status of the extension are never "
            "touched.",
        .source = "https://github.com/Azure/azure-linux-extensions/tree/master/VMBackup",
        .consequences = {"backup-extension-state", "extension-not-executable", "extension-safefreeze-missing",
                         "extension-error", "provider-flags", "backup-attempt-failed"},
        .diagnose = diagnose,
        .fix = fix,
    };
}

}  // namespace remediations::causes::extension_damaged
