#include <fmt/format.h>

#include <algorithm>
#include <boost/algorithm/string/classification.hpp>
#include <boost/algorithm/string/predicate.hpp>
#include <boost/algorithm/string/split.hpp>
#include <boost/algorithm/string/trim.hpp>
#include <charconv>

#include "remediations/knowledge/agent/goal_state_failures.hpp"
#include "remediations/knowledge/configuration/agent_configuration.hpp"
#include "remediations/knowledge/configuration/extension_settings.hpp"
#include "remediations/knowledge/logs/log_evidence.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::settings_not_decrypted {

using machine::Machine;

namespace {

constexpr auto decrypted_line = "Successfully decrypted protected settings";
constexpr auto not_json_line = "JSON exception decoding decrypted protected settings";
constexpr auto return_code_line = "decryption also failed with return code: ";
constexpr auto openssl = "/usr/bin/openssl";
constexpr auto preload_file = "/etc/ld.so.preload";

/// Returns the number after the last "return code: "; nullopt without one.
std::optional<int> return_code_in(std::string_view line) {
    constexpr std::string_view before = "return code: ";
    const auto at = line.rfind(before);
    if (at == std::string_view::npos) return std::nullopt;
    const auto digits = line.substr(at + before.size());
    int code = 0;
    const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), code);
    return parsed.ec == std::errc() ? std::optional(code) : std::nullopt;
}

/// Returns things that may make a program write more than it should, or not start at all.
std::vector<Evidence> oddities(const Machine& machine) {
    std::vector<Evidence> found;
    const auto head = machine.files().read_range(openssl, 0, 64);
    if (head && head->starts_with("#!")) {
        found.push_back(
            {openssl, "a script: " + printable(head->substr(0, head->find('\n'))), "the program of the package"});
    }
    const auto status = machine.files().status(openssl);
    constexpr std::uint64_t smallest_program = 16384;
    if (!head && status && status->kind == machine::FileKind::regular && status->size < smallest_program) {
        found.push_back({openssl, fmt::format("a file of {} bytes", status->size), "the program of the package"});
    }
    if (const auto text = machine.files().read(preload_file)) {
        std::vector<std::string> lines;
        boost::split(lines, *text, boost::is_any_of("\n: \t"));
        for (const auto& line : lines) {
            const auto library = boost::trim_copy(line);
            if (library.empty() || library.starts_with('#') || found.size() >= 5) continue;
            const bool is_missing = library.starts_with('/') && !machine.files().status(library);
            found.push_back({preload_file, printable(library) + (is_missing ? ", which does not exist" : ""),
                             "no library that is missing or writes to stderr"});
        }
    }
    return found;
}

/// Returns true if the certificate of the newest settings and its key exist, so that openssl itself is the cause.
bool has_certificate(const Machine& machine) {
    const auto settings = newest_backup_settings(machine);
    if (!settings || settings->thumbprint.empty()) return false;
    const auto stem = agent_library_folder(machine) + "/" + settings->thumbprint;
    const auto exists = [&](const char* ending) {
        const auto status = machine.files().status(stem + ending);
        return status && status->size > 0;
    };
    return exists(".crt") && exists(".prv");
}

Finding diagnose(const Machine& machine) {
    const auto& logs = machine.derived<LogEvidence>();
    const auto* failed = logs.find_current(Log::extension, return_code_line);
    const auto* decrypted = logs.find_current(Log::extension, decrypted_line);
    const auto* not_json = logs.find_current(Log::extension, not_json_line);
    const bool is_garbled = not_json && decrypted && is_later(not_json->newest, decrypted->newest) &&
                            !(failed && is_later(failed->newest, decrypted->newest));
    if (!is_garbled && !failed) {
        return Finding::healthy("The backup extension could decrypt its settings, as far as its log tells.");
    }
    std::vector<Evidence> evidence;
    if (is_garbled) {
        evidence.push_back(decrypted->newest.evidence(""));
        evidence.push_back(not_json->newest.evidence("JSON and nothing else"));
        std::ranges::move(oddities(machine), std::back_inserter(evidence));
        return Finding::needs_operator(
            "The program openssl decrypts the backup extension's settings, but writes something else beside them (a "
            "warning on stderr): the extension takes both for the settings and can read neither.",
            std::move(evidence),
            fmt::format("Run `openssl version` as root: it must write one line and no warning. Remove what makes it "
                        "write more: a wrapper in the place of {}, a missing or noisy library in {}, an error in "
                        "openssl.cnf or OPENSSL_CONF; or install the distribution's openssl again. Then back up again.",
                        openssl, preload_file));
    }
    evidence.push_back(failed->newest.evidence("return code 0"));
    const auto code = return_code_in(failed->newest.text);
    constexpr int cannot_execute = 126;
    constexpr int not_found = 127;
    const bool cannot_run = code && (*code == cannot_execute || *code == not_found || *code < 0);
    std::ranges::move(oddities(machine), std::back_inserter(evidence));
    if (cannot_run) {
        return Finding::needs_operator(
            fmt::format("The program openssl cannot run (return code {}), so the backup extension cannot decrypt its "
                        "settings.",
                        *code),
            std::move(evidence),
            "Run `openssl version` as root and mend what it names: install the distribution's openssl again, give it "
            "back its execute permission, or bring back the library that it lacks (`ldd /usr/bin/openssl`). Then back "
            "up again.");
    }
    if (has_certificate(machine)) {
        return Finding::needs_operator(
            "The program openssl cannot decrypt the backup extension's settings, though their certificate and its key "
            "are there.",
            std::move(evidence),
            "Restart the guest agent, which fetches certificate and key again, and back up again. If that does not "
            "help, reapply the VM: az vm reapply --resource-group <group> --name <vm>. Where openssl runs in FIPS mode "
            "or with a changed openssl.cnf, see that it may still use AES-256-CBC and 3DES for CMS.");
    }
    return Finding::healthy("The settings could not be decrypted; transport-certificate-missing tells of it.",
                            std::move(evidence));
}

}  // namespace

Remediation remediation() {
    return {
        .id = "settings-not-decrypted",
        .title = "openssl cannot decrypt the backup extension's settings",
        .layer = Layer::guest_agent,
        .scope = Scope::linux,
        .error_codes = {"GuestAgentSnapshotTaskStatusError", "ExtensionSnapshotFailedNoNetwork", "11", "16"},
        .disruption = Disruption::none,
        .explanation =
            "The extension has openssl decrypt its settings and reads what it writes, warnings included. An openssl "
            "that does not start, may not use the algorithm, or writes a warning (a wrapper, a missing library in "
            "ld.so.preload, an error in openssl.cnf) leaves the extension without settings: it knows no disks and "
            "reports \"no network\".",
        .source = "https://github.com/Azure/azure-linux-extensions/tree/master/VMBackup",
        .signals = {judged(Log::extension, decrypted_line), judged(Log::extension, not_json_line),
                    judged(Log::extension, return_code_line),
                    proof(Log::extension, "decryption also failed with return code: 127"),
                    proof(Log::extension, "decryption also failed with return code: 126")},
        .consequences = {"no-network-catch-all", "extension-error", "backup-extension-state",
                         "transport-certificate-missing"},
        .diagnose = diagnose,
    };
}

}  // namespace remediations::causes::settings_not_decrypted
