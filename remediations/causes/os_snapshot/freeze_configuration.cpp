#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/algorithm/string/predicate.hpp>

#include "remediations/changes/changes.hpp"
#include "remediations/knowledge/configuration/vmbackup_configuration.hpp"
#include "remediations/knowledge/configuration/vmbackup_repair.hpp"
#include "remediations/knowledge/snapshot/freeze_failures.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::freeze_configuration {

namespace {

/// The extension logs this only where reading the file raised an exception.
constexpr auto unreadable_line = "cannot read config file or file not present";

/// Keys of [SnapshotThread], in lower case, as the extension's source reads them.
constexpr std::array<std::string_view, 11> known_keys = {
    "timeout",         "safefreezewaitinseconds", "mountstoskip", "seqsnapshot",
    "snapshotmethod",  "uploadstatusandlog",      "writelog",     "loggingoff",
    "disable_logging", "onlylocalfilesystems",    "sudo_off"};

struct Ineffective {
    std::string_view key;
    std::string_view why;
};
constexpr std::array ineffective = {
    Ineffective{"fsfreeze", "no such line: it is not read; fsFreezeEnabled of VMSnapshotScriptPluginConfig.json is"},
    Ineffective{"isanysnapshotfailed", "no such line: it is not read"},
    Ineffective{"onappfailuredofsfreeze", "no such line: whatever it says, the file systems are frozen"},
    Ineffective{"onappsuccessdofsfreeze", "no such line: whatever it says, the file systems are frozen"},
    Ineffective{"async_event_logging", "no such line: it is not read"},
};

std::string explain(PythonConfiguration::Fault fault) {
    switch (fault) {
        case PythonConfiguration::Fault::no_section_header:
            return "[SnapshotThread] above the first setting";
        case PythonConfiguration::Fault::duplicate_section:
            return "each section once";
        case PythonConfiguration::Fault::duplicate_option:
            return "each setting once";
        case PythonConfiguration::Fault::not_an_option:
            return "key = value, [section] or a comment";
    }
    return {};
}

std::vector<Evidence> faults_of(const VmBackupConfiguration& configuration) {
    std::vector<Evidence> faults;
    const std::string path = VmBackupConfiguration::path;
    const auto& encoding = configuration.encoding();
    if (encoding.fault != TextEncoding::Fault::none) {
        faults.push_back({encoding.line == 0 ? path : fmt::format("{}:{}", path, encoding.line),
                          std::string(to_string(encoding.fault)), "plain ASCII text"});
    }
    for (const auto& problem : configuration.python().problems()) {
        faults.push_back({fmt::format("{}:{}", path, problem.line), problem.text, explain(problem.fault)});
    }
    if (!faults.empty()) return faults;
    const auto& sections = configuration.python().sections();
    for (const auto& [name, number] : sections) {
        const bool is_meant = boost::iequals(python_strip(name), VmBackupConfiguration::section);
        if (!is_meant || sections.contains(VmBackupConfiguration::section)) continue;
        faults.push_back(
            {fmt::format("{}:{}", path, number), fmt::format("[{}]", name), "[SnapshotThread], spelled exactly so"});
    }
    for (const auto& option : configuration.python().options()) {
        if (option.section != VmBackupConfiguration::section) continue;
        if (configuration.python().get(option.section, option.key)) continue;
        faults.push_back({fmt::format("{}:{}", path, option.first_line),
                          fmt::format("{} = {}", option.key, option.value), "%% for a percent sign"});
    }
    return faults;
}

/// Returns settings without effect. They break nothing, but the person who set them should know.
std::vector<Evidence> without_effect(const VmBackupConfiguration& configuration) {
    std::vector<Evidence> remarks;
    for (const auto& option : configuration.python().options()) {
        const auto place = fmt::format("{}:{}", VmBackupConfiguration::path, option.first_line);
        const auto line = fmt::format("{} = {}", option.key, option.value);
        const bool is_ours = option.section == VmBackupConfiguration::section;
        const auto* known = std::ranges::find(known_keys, option.key);
        const auto* idle = std::ranges::find_if(ineffective, [&](const auto& one) { return one.key == option.key; });
        if (is_ours && idle != ineffective.end()) {
            remarks.push_back({place, line, std::string(idle->why)});
        } else if (is_ours && known == known_keys.end()) {
            remarks.push_back({place, line, "no such line: this key means nothing to the extension"});
        } else if (!is_ours && known != known_keys.end()) {
            remarks.push_back({place, line, "in section [SnapshotThread]: it has no effect here"});
        } else if (is_ours && (option.key == "timeout" || option.key == "safefreezewaitinseconds") &&
                   !option.value.empty() && !python_integer(option.value)) {
            remarks.push_back({place, line, "a whole number of seconds; else the default counts"});
        }
    }
    return remarks;
}

Finding diagnose(const machine::Machine& machine) {
    const auto bytes = machine.files().read(VmBackupConfiguration::path);
    if (!bytes && bytes.error().kind == machine::ErrorKind::not_found) {
        return Finding::healthy("There is no vmbackup.conf, so the extension uses its defaults.");
    }
    const auto* line = machine.derived<LogEvidence>().find_current(Log::extension, unreadable_line);
    if (!bytes && line && last_failed_backup(machine)) {
        return Finding::needs_operator(
            fmt::format("The extension could not read {}, and ignored every setting in it.",
                        VmBackupConfiguration::path),
            {line->newest.evidence("no such line")},
            fmt::format(
                "Save {} as plain ASCII text with LF, below the line [SnapshotThread] one \"key = value\" a line.",
                VmBackupConfiguration::path));
    }
    if (!bytes) return Finding::unknown(VmBackupConfiguration::path, bytes.error());
    const VmBackupConfiguration configuration(*bytes);
    auto evidence = faults_of(configuration);
    const bool old_python_failed = configuration.encoding().beyond_ascii && line != nullptr;
    if (evidence.empty() && old_python_failed) {
        evidence.push_back({VmBackupConfiguration::path, "letters beyond ASCII, which this VM's Python cannot read",
                            "plain ASCII text"});
    }
    if (evidence.empty()) {
        return Finding::healthy("The extension can read vmbackup.conf.", without_effect(configuration));
    }
    if (line != nullptr) evidence.push_back(line->newest.evidence("no such line"));
    const auto repaired = repaired_vmbackup_configuration(*bytes);
    const auto summary = fmt::format("The extension cannot use {}, and ignores every setting in it without a word.",
                                     VmBackupConfiguration::path);
    if (!repaired || *repaired == *bytes) {
        return weighed_by_last_backup(
            Finding::needs_operator(
                summary, std::move(evidence),
                fmt::format("Write {} anew as plain ASCII text: the line [SnapshotThread], below it one "
                            "\"key = value\" a line.",
                            VmBackupConfiguration::path)),
            machine);
    }
    return weighed_by_last_backup(
        Finding::broken(summary, std::move(evidence),
                        fmt::format("Correct these lines of {} and save it as plain ASCII text with LF.",
                                    VmBackupConfiguration::path)),
        machine);
}

machine::Result<void> fix(const Finding&, Changes& changes) {
    const auto bytes = changes.machine().files().read(VmBackupConfiguration::path);
    if (!bytes) return bytes.error();
    const auto repaired = repaired_vmbackup_configuration(*bytes);
    if (!repaired) {
        return machine::Error::invalid(
            fmt::format("{} cannot be made readable without a guess", VmBackupConfiguration::path));
    }
    return changes.write_file(VmBackupConfiguration::path, *repaired);
}

}  // namespace

Remediation remediation() {
    return {
        .id = "freeze-configuration",
        .title = "The backup extension cannot read vmbackup.conf",
        .layer = Layer::os_snapshot,
        .scope = Scope::linux,
        .error_codes = {"VMBackupLinuxExtensionConfFileWrongEncodingFormat", "UserErrorFsFreezeFailed",
                        "UserErrorFsFreezeTimeout", "UserErrorUnableToOpenMount"},
        .disruption = Disruption::none,
        .explanation =
            "The extension reads /etc/azure/vmbackup.conf with Python's configparser. A byte order mark, UTF-16, a "
            "missing [SnapshotThread], a setting that appears twice or one line it does not understand make it ignore "
            "the whole file, mostly without a message: mounts that should be skipped are frozen, longer times do not "
            "count. The fix rewrites the file as plain text, keeping every setting; what is no setting becomes a "
            "comment.",
        .source = "https://github.com/Azure/azure-linux-extensions/blob/master/VMBackup/main/Utils/HandlerUtil.py",
        .signals = {judged(Log::extension, unreadable_line)},
        .consequences = {"freeze-failed", "mounts-listed-twice", "mount-unreachable", "mounts-to-skip-ineffective",
                         "freeze-timeout-too-short", "network-mount-hung"},
        .diagnose = diagnose,
        .fix = fix,
    };
}

}  // namespace remediations::causes::freeze_configuration
