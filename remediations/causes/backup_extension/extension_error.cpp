#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>

#include "remediations/knowledge/extension/last_backup.hpp"
#include "remediations/model/error_codes.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::extension_error {

using machine::Machine;

namespace {

constexpr auto own_id = "extension-error";
constexpr auto returned_line = "returned from handle.py";
constexpr const char* python_lines[] = {
    "ModuleNotFoundError: ", "ImportError: cannot import", "SyntaxError: invalid", "PermissionError: [Errno",
    "OSError: [Errno ",      "AttributeError: module",     "MemoryError",          "Segmentation fault",
};
/// Codes by which the extension reports a fault of its own: an exception, settings, a missing file, the list of disks
/// that it was given. All others have a cause in another layer.
constexpr int own_codes[] = {2, 11, 12, 13, 14, 17};

/// Returns the ids of the remediations that can explain this code.
std::vector<std::string> who_explains(int code, std::span<const Remediation* const> catalogue) {
    std::vector<std::string> ids;
    for (const auto* other : catalogue) {
        if (other->id != own_id && explains(*other, std::to_string(code))) ids.push_back(other->id);
    }
    return ids;
}

bool is_own(int code) {
    return std::ranges::find(own_codes, code) != std::end(own_codes) ||
           find_error_code(std::to_string(code)) == nullptr;
}

/// Returns the exit code in "1 returned from handle.py".
std::optional<int> exit_code_of(std::string_view line) {
    const auto end = line.find(returned_line);
    if (end == std::string_view::npos || end < 2) return std::nullopt;
    auto digits = line.substr(0, end - 1);
    const auto start = digits.find_last_not_of("0123456789");
    if (start != std::string_view::npos) digits.remove_prefix(start + 1);
    int code = 0;
    const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), code);
    return parsed.ec == std::errc() ? std::optional(code) : std::nullopt;
}

std::string meaning_of(int code) {
    const auto* known = find_error_code(std::to_string(code));
    if (!known) return "a code that is not documented";
    auto text = std::string(known->meaning);
    if (text.ends_with('.')) text.pop_back();
    return text;
}

std::string advice_for(int code) {
    if (code == 11) {
        return "Have Azure send the settings again: az vm reapply --resource-group <group> --name <vm>. Then back up "
               "again.";
    }
    if (code == 17) {
        return "Correct the list of disks of the selective disk backup in the vault (az backup protection "
               "update-for-vm --disk-list-setting resetexclusionsettings), then back up again.";
    }
    if (is_own(code)) {
        return "Read the line quoted here, and those around it in extension.log. Have Azure install the extension "
               "afresh (az vm extension delete --name VMSnapshotLinux) and back up again; if the same exception comes "
               "back, open a support request with extension.log.";
    }
    const auto* known = find_error_code(std::to_string(code));
    if (!known || known->causes.empty()) return "Back up again, and read extension.log around the line quoted here.";
    return fmt::format(
        "Usual causes: {}. None of them needs to be there any more: back up again and run this program right after it.",
        fmt::join(known->causes, "; "));
}

/// Returns a finding where Python ended with an error before the extension could log anything.
std::optional<Finding> failed_start(const Machine& machine, const LastBackup& last) {
    const auto& logs = machine.derived<LogEvidence>();
    const auto* line = logs.find_current(Log::extension_shell, returned_line);
    const auto code = line ? exit_code_of(line->newest.text) : std::nullopt;
    if (!code || *code == 0) return std::nullopt;
    const bool logged_later =
        last.attempt && last.attempt->ended && line->newest.time && *last.attempt->ended > *line->newest.time;
    if (logged_later) return std::nullopt;
    std::vector<Evidence> evidence{line->newest.evidence("0 returned from handle.py")};
    for (const auto* text : python_lines) {
        if (const auto* error = logs.find_current(Log::commands, text)) {
            evidence.push_back(error->newest.evidence("no such error"));
        }
    }
    return Finding::needs_operator(
        fmt::format("Python ended with exit code {} before the backup extension could begin.", *code),
        std::move(evidence),
        "Read the traceback in CommandExecution.log beside shell.log: the first one counts, because the extension "
        "tries one Python after the other. A missing module is a Python that is damaged or too new for the extension.");
}

Finding examine_last_run(const Machine& machine, const Question& question) {
    const auto installed = installed_backup_extension(machine);
    auto last = last_backup(machine, installed ? *installed : InstalledExtension{});
    if (auto finding = failed_start(machine, last)) return std::move(*finding);
    if (!installed && !last.attempt) {
        return Finding::unknown("the folders of the backup extension", installed.error());
    }
    if (last.succeeded.value_or(false)) return Finding::healthy("The last backup that the extension ran succeeded.");
    if (!last.succeeded) return Finding::healthy("No backup of the extension ended with an error.");
    if (last.evidence.empty()) return Finding::healthy("Nothing tells why the last backup failed.");
    if (!last.code) {
        return Finding::needs_operator("The last backup failed.", std::move(last.evidence),
                                       "Read extension.log around the line quoted here, and back up again.")
            .as_risk();
    }
    if (const auto ids = who_explains(*last.code, question.catalogue); !is_own(*last.code) && !ids.empty()) {
        return Finding::healthy(
            fmt::format("The last backup ended with code {}: {}. What causes it is looked for by {}.", *last.code,
                        meaning_of(*last.code), fmt::join(ids, ", ")),
            std::move(last.evidence));
    }
    auto finding = Finding::needs_operator(
        fmt::format("The last backup ended with code {}: {}.", *last.code, meaning_of(*last.code)),
        std::move(last.evidence), advice_for(*last.code));
    return is_own(*last.code) ? finding : std::move(finding).as_risk();
}

Finding diagnose(const Machine& machine, const Question& question) {
    auto finding = examine_last_run(machine, question);
    finding.basis = Basis::last_run;
    finding.is_envelope = true;
    return finding;
}

std::vector<LogPattern> patterns() {
    std::vector<LogPattern> all{{Log::extension_shell, returned_line}};
    for (const auto* text : python_lines) all.push_back({Log::commands, text});
    return all;
}

}  // namespace

Remediation remediation() {
    return {
        .id = own_id,
        .title = "The last run of the backup extension ended with an error",
        .layer = Layer::backup_extension,
        .scope = Scope::linux,
        .error_codes = {"2", "error", "11", "error_parameter", "12", "error_12", "13", "14", "17",
                        "FailedInvalidDataDiskLunList", "312", "555", "557", "558"},
        .disruption = Disruption::none,
        .explanation =
            "The extension ends each run with a code of its own. A code for an exception, its settings or its list of "
            "disks is a cause by itself. Every other code tells of something the extension met, which is looked for in "
            "its own place.",
        .source =
            "https://github.com/Azure/azure-linux-extensions/blob/master/VMBackup/main/ExtensionErrorCodeHelper.py",
        .signals = joined({all_judged(patterns()),
                           {proof(Log::extension, "IsAnyDiskExcluded is marked as true but input LUN list"),
                            proof(Log::extension_shell, "- 1 returned from handle.py")}}),
        .diagnose_for = diagnose,
    };
}

}  // namespace remediations::causes::extension_error
