#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "remediations/knowledge/configuration/extension_folder.hpp"
#include "remediations/knowledge/extension/reinstall_extension.hpp"
#include "remediations/knowledge/extension/safefreeze.hpp"
#include "remediations/knowledge/logs/log_evidence.hpp"
#include "remediations/machine/process_list.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::extension_safefreeze_missing {

using machine::Machine;

namespace {

constexpr auto missing_line = "safefreeze binary is missing in the following path";

/// Real-time scanners that are known to remove files of other products, with the names of their processes.
constexpr std::pair<std::string_view, std::string_view> scanners[] = {
    {"wdavdaemon", "Microsoft Defender for Endpoint"},
    {"falcon-sensor", "CrowdStrike Falcon"},
    {"s1-agent", "SentinelOne"},
    {"ds_agent", "Trend Micro Deep Security"},
    {"kesl", "Kaspersky Endpoint Security"},
    {"clamonacc", "ClamAV on-access scanner"},
    {"savd", "Sophos Antivirus"},
    {"sophos-spl", "Sophos Protection"},
    {"cbagentd", "Carbon Black"},
    {"mfetpd", "Trellix Endpoint Security"},
    {"esets", "ESET"},
    {"bdsecd", "Bitdefender"},
};

std::vector<std::string> running_scanners(const Machine& machine) {
    std::vector<std::string> found;
    const auto& processes = machine.derived<machine::ProcessList>().processes();
    if (!processes) return found;
    for (const auto& [name, product] : scanners) {
        const auto runs = [prefix = name](const machine::Process& process) { return process.name.starts_with(prefix); };
        if (std::ranges::any_of(*processes, runs)) found.emplace_back(product);
    }
    return found;
}

/// e_machine of an ELF header (elf.h), for the architectures of the extension's programs.
constexpr unsigned char x86_64 = 62;
constexpr unsigned char aarch64 = 183;
constexpr std::size_t elf_machine = 18;

/// Returns an empty text where the file can run here, else what the file is.
std::string misfit(const std::string& header, const std::string& architecture) {
    if (header.empty()) return "empty";
    constexpr std::string_view elf_64_little_endian(
        "\x7f"
        "ELF\x02\x01",
        6);
    if (header.size() <= elf_machine + 1 || !header.starts_with(elf_64_little_endian)) return "no 64-bit ELF program";
    const auto machine = static_cast<unsigned char>(header[elf_machine]);
    if (machine == (architecture == "aarch64" ? aarch64 : x86_64)) return {};
    if (machine == x86_64) return "a program for x86_64";
    if (machine == aarch64) return "a program for aarch64";
    return fmt::format("a program for another machine (ELF number {})", machine);
}

Finding diagnose(const Machine& machine) {
    const auto installed = installed_backup_extension(machine);
    if (!installed) return Finding::unknown("the folders of the backup extension", installed.error());
    const auto* folder = version_in_use(*installed);
    if (!folder) {
        return Finding::healthy("The backup extension is not installed; the agent installs it at the next backup.");
    }
    if (std::ranges::find(folder->names, "main") == folder->names.end()) {
        return Finding::healthy(fmt::format("Version {} is not unpacked.", folder->version));
    }
    const auto path = folder->path + "/" + safefreeze_of(machine.facts());
    const auto expected = "a program for " + machine.facts().architecture;
    const auto header = machine.files().read_range(path, 0, 64);
    std::string seen;
    if (header) {
        seen = misfit(*header, machine.facts().architecture);
        if (seen.empty()) {
            return Finding::healthy("The program that freezes the file systems is there and fits this machine.");
        }
    } else if (header.error().kind == machine::ErrorKind::not_found) {
        seen = "missing";
    } else {
        return Finding::unknown(path, header.error());
    }
    std::vector<Evidence> evidence{{path, seen, expected}};
    if (const auto* line = machine.derived<LogEvidence>().find_current(Log::extension, missing_line)) {
        evidence.push_back(line->newest.evidence("no such line"));
    }
    std::string culprit = "Find out what removed it";
    if (const auto products = running_scanners(machine); !products.empty()) {
        culprit =
            fmt::format("{} runs here and may have removed it: look in its quarantine", fmt::join(products, ", "));
    }
    const bool arm_never_shipped = machine.facts().architecture == "aarch64" && seen == "missing" &&
                                   machine.files().status(folder->path + "/main/safefreezeArm64").has_error();
    auto action = arm_never_shipped
                      ? fmt::format("Version {} brings no program for Arm; have the agent install a newer version.",
                                    folder->version)
                      : fmt::format("Have the agent install the extension afresh. {}, and exclude {} from it.", culprit,
                                    folder->path);
    return Finding::broken(
        "The program safefreeze of the backup extension, which freezes the file systems, cannot run.",
        std::move(evidence), std::move(action));
}

machine::Result<void> fix(const Finding&, Changes& changes) {
    return reinstall_backup_extension(changes);
}

}  // namespace

Remediation remediation() {
    return {
        .id = "extension-safefreeze-missing",
        .title = "The backup extension's program that freezes file systems is missing or for another architecture",
        .layer = Layer::backup_extension,
        .scope = Scope::linux,
        .error_codes = {"124", "FailedSafeFreezeBinaryNotFound", "SafeFreezeBinaryNotFound", "122",
                        "UserErrorFsFreezeTimeout", "UserErrorFsFreezeFailed"},
        .disruption = Disruption::none,
        .explanation =
            "The extension brings its own program, safefreeze, one for x86_64 and one for Arm. Without the right one "
            "no backup can freeze the file systems: code 124 when it is missing, a freeze that times out when it is "
            "for another architecture. The fix moves the extension to quarantine, so that the agent installs it "
            "afresh.",
        .source = "https://github.com/Azure/azure-linux-extensions/blob/master/VMBackup/main/fsfreezer.py",
        .signals = {proof(Log::extension, missing_line), {.role = Role::proof, .results = {124}}},
        .consequences = {"extension-error", "backup-extension-state", "freeze-failed", "freeze-timeout-too-short"},
        .diagnose = diagnose,
        .fix = fix,
    };
}

}  // namespace remediations::causes::extension_safefreeze_missing
