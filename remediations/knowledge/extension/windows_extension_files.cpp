#include "remediations/knowledge/extension/windows_extension_files.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <boost/algorithm/string/predicate.hpp>
#include <boost/algorithm/string/replace.hpp>

#include "remediations/formats/zip_archive.hpp"
#include "remediations/knowledge/configuration/extension_folder.hpp"
#include "remediations/knowledge/extension/last_run.hpp"
#include "remediations/knowledge/extension/reinstall_extension.hpp"

namespace remediations {

using machine::ErrorKind;
using machine::Machine;
using machine::Path;

namespace {

constexpr auto manifest_name = "HandlerManifest.json";
constexpr auto environment_name = "HandlerEnvironment.json";
constexpr std::array programs = {"IaaSBcdrExtension.exe", "iaasvmprovider.dll"};
constexpr std::size_t header_length = 4096;  // bytes; the PE header of a program begins within the first few hundred
constexpr std::uint16_t x64 = 0x8664;
constexpr std::uint16_t arm64 = 0xAA64;

std::string with_backslashes(std::string name) {
    std::ranges::replace(name, '/', '\\');
    return name;
}

bool is_program(std::string_view name) {
    return boost::iends_with(name, ".exe") || boost::iends_with(name, ".dll");
}

/// Returns false for the extension's settings and status, which belong to the agent and not to the package.
bool is_of_package(std::string_view name) {
    return !boost::istarts_with(name, "RuntimeSettings/") && !boost::istarts_with(name, "Status/");
}

struct Comparison {
    std::vector<std::string> lost;
    std::vector<Evidence> evidence;
    std::optional<machine::Error> unreadable;
};

void lose(Comparison& comparison, const Path& path, std::string name, std::string seen, std::string expected) {
    comparison.lost.push_back(std::move(name));
    comparison.evidence.push_back({path, std::move(seen), std::move(expected)});
}

/// Compares one file with the package. The agent may have rewritten text files: they must exist and not be empty.
void compare_entry(const Machine& machine, const Path& folder, const ZipEntry& entry, Comparison& comparison) {
    const auto path = folder + '\\' + with_backslashes(entry.name);
    const auto expected = fmt::format("{} bytes, as in the package", entry.size);
    const auto status = machine.files().status(path);
    if (!status && status.error().kind == ErrorKind::not_found) {
        return lose(comparison, path, entry.name, "missing", expected);
    }
    if (!status) {
        comparison.unreadable = status.error();
        return;
    }
    const bool is_cut = is_program(entry.name) ? status->size != entry.size : status->size == 0 && entry.size != 0;
    if (is_cut) lose(comparison, path, entry.name, fmt::format("{} bytes", status->size), expected);
}

bool is_lost(const Comparison& comparison, std::string_view name) {
    return std::ranges::any_of(comparison.lost, [&](const auto& lost) { return boost::iequals(lost, name); });
}

void look_at_program(const Machine& machine, const Path& folder, const char* name, Comparison& comparison) {
    const auto path = folder + '\\' + name;
    if (is_lost(comparison, name)) return;
    const auto begin = machine.files().read_range(path, 0, header_length);
    if (!begin && begin.error().kind == ErrorKind::not_found) {
        return lose(comparison, path, name, "missing", "a program of the extension");
    }
    if (!begin) {
        comparison.unreadable = begin.error();
        return;
    }
    if (begin->empty()) return lose(comparison, path, name, "empty", "a program of the extension");
    if (!begin->starts_with("MZ")) return lose(comparison, path, name, "no program of Windows", "one");
    const auto architecture = pe_machine(*begin);
    if (architecture && *architecture != x64 && *architecture != arm64) {
        lose(comparison, path, name, fmt::format("for architecture 0x{:04x}", *architecture), "for 64-bit Windows");
    }
}

void look_at_text(const Machine& machine, const Path& folder, const char* name, Comparison& comparison) {
    const auto path = folder + '\\' + name;
    if (is_lost(comparison, name)) return;
    const auto status = machine.files().status(path);
    if (!status && status.error().kind == ErrorKind::not_found) {
        lose(comparison, path, name, "missing", "written when the package was unpacked");
    } else if (status && status->size == 0) {
        lose(comparison, path, name, "empty", "written when the package was unpacked");
    }
}

/// Opens the package, which the agent leaves in the folder that it was unpacked to.
std::optional<ZipArchive> package_in(const Machine& machine, const ExtensionFolder& folder) {
    const auto name = backup_extension_name(machine::Platform::windows);
    const auto is_package = [&](const std::string& file) {
        return boost::iends_with(file, ".zip") && boost::istarts_with(file, name);
    };
    const auto found = std::ranges::find_if(folder.names, is_package);
    if (found == folder.names.end()) return std::nullopt;
    auto package = ZipArchive::open(machine.files(), folder.path + '\\' + *found);
    if (!package) return std::nullopt;
    const auto has = [&](std::string_view wanted) {
        return std::ranges::any_of(package->entries(),
                                   [&](const auto& entry) { return boost::iequals(entry.name, wanted); });
    };
    return has(manifest_name) && has(programs[0]) ? std::optional(std::move(*package)) : std::nullopt;
}

Comparison compare(const Machine& machine, const ExtensionFolder& folder, const std::optional<ZipArchive>& package) {
    Comparison comparison;
    if (package) {
        for (const auto& entry : package->entries()) {
            if (is_of_package(entry.name)) compare_entry(machine, folder.path, entry, comparison);
        }
    }
    for (const auto* name : programs) look_at_program(machine, folder.path, name, comparison);
    look_at_text(machine, folder.path, manifest_name, comparison);
    // Only the agent can write it again; a version that just worked does without.
    if (machine.derived<LastRun>().end() != LastRun::End::succeeded) {
        look_at_text(machine, folder.path, environment_name, comparison);
    }
    return comparison;
}

std::uint32_t number_at(std::string_view bytes, std::size_t at, std::size_t length) {
    std::uint32_t number = 0;
    for (std::size_t index = length; index-- > 0;) {
        number = number << 8 | static_cast<unsigned char>(bytes[at + index]);
    }
    return number;
}

}  // namespace

std::optional<std::uint16_t> pe_machine(std::string_view begin) {
    constexpr std::size_t place_of_header = 0x3C;
    if (begin.size() < place_of_header + 4 || !begin.starts_with("MZ")) return std::nullopt;
    const std::size_t header = number_at(begin, place_of_header, 4);
    if (header > begin.size() || begin.size() - header < 6) return std::nullopt;
    if (begin.substr(header, 4) != std::string_view("PE\0\0", 4)) return std::nullopt;
    return static_cast<std::uint16_t>(number_at(begin, header + 4, 2));
}

Finding diagnose_windows_extension_files(const Machine& machine) {
    const auto installed = installed_backup_extension(machine);
    if (!installed) return Finding::unknown("the folders of the backup extension", installed.error());
    const auto* folder = version_in_use(*installed);
    if (!folder) {
        return Finding::healthy("The backup extension is not installed; the agent installs it at the next backup.");
    }
    const auto package = package_in(machine, *folder);
    auto comparison = compare(machine, *folder, package);
    if (comparison.lost.empty() && comparison.unreadable) {
        return Finding::unknown("the files of " + folder->path, *comparison.unreadable);
    }
    if (comparison.lost.empty()) {
        return Finding::healthy(fmt::format("Version {} of the backup extension has its programs.", folder->version));
    }
    auto names = comparison.lost;
    constexpr std::size_t most_names = 5;
    names.resize(std::min(names.size(), most_names));
    const auto exclusion = fmt::format(
        " Find out what removed or changed them, mostly antivirus or a cleanup job, and exclude {} from it.",
        folder->path);
    auto finding =
        Finding::broken(fmt::format("{} of the files of version {} of the backup extension {} missing or damaged: {}.",
                                    comparison.lost.size(), folder->version, comparison.lost.size() == 1 ? "is" : "are",
                                    fmt::join(names, ", ")),
                        std::move(comparison.evidence),
                        (package ? fmt::format("Restore these files from {}.", package->path())
                                 : std::string("Have the agent install the extension afresh.")) +
                            exclusion);
    finding.subjects = std::move(comparison.lost);
    return finding;
}

machine::Result<void> restore_windows_extension_files(const Finding& finding, Changes& changes) {
    const auto& machine = changes.machine();
    const auto installed = installed_backup_extension(machine);
    if (!installed) return installed.error();
    const auto* folder = version_in_use(*installed);
    const auto package = folder ? package_in(machine, *folder) : std::nullopt;
    if (!package) return reinstall_backup_extension(changes);
    std::vector<std::pair<Path, std::string>> restored;
    for (const auto& name : finding.subjects) {
        const auto entry =
            std::ranges::find_if(package->entries(), [&](const auto& each) { return boost::iequals(each.name, name); });
        if (entry == package->entries().end()) return reinstall_backup_extension(changes);
        auto content = package->extract(machine.files(), *entry);
        if (!content) return reinstall_backup_extension(changes);
        restored.emplace_back(folder->path + '\\' + with_backslashes(entry->name), std::move(*content));
    }
    constexpr std::uint32_t mode_is_ignored = 0700;
    for (const auto& [path, content] : restored) {
        std::vector<Path> missing;
        for (auto parent = path.substr(0, path.rfind('\\')); parent.size() > folder->path.size();
             parent = parent.substr(0, parent.rfind('\\'))) {
            if (machine.files().status(parent)) break;
            missing.insert(missing.begin(), parent);
        }
        for (const auto& parent : missing) {
            if (auto made = changes.create_folder(parent, mode_is_ignored); !made) return made;
        }
        if (auto written = changes.write_file(path, content, mode_is_ignored); !written) return written;
    }
    return {};
}

}  // namespace remediations
