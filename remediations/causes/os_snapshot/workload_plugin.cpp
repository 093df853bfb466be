#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "remediations/formats/python_configuration.hpp"
#include "remediations/knowledge/configuration/vmbackup_configuration.hpp"
#include "remediations/knowledge/snapshot/freeze_failures.hpp"
#include "remediations/model/remediation.hpp"

namespace remediations::causes::workload_plugin {

namespace {

constexpr auto path = "/etc/azure/workload.conf";
constexpr auto section = "workload";
constexpr std::array<std::string_view, 4> databases = {"oracle", "mysql", "mariadb", "postgres"};

struct Symptom {
    const char* text;
    const char* expected;
};

/// The only failure of a database that ends a backup, because the administrator configured it so.
constexpr auto forbids_backup = "Failing backup as OnAppFailureDoFsFreeze is set to false";

/// The extension's lines where the database could not be made consistent.
constexpr std::array symptoms = {
    Symptom{"WorkloadPatch: sql connection failed", "the login of workload.conf reaches the database (506)"},
    Symptom{"WorkloadPatch: Database is not open", "the database is open"},
    Symptom{"File for IPC does not exist at pre", "the database server writes to ipc_folder (507)"},
    Symptom{"WorkloadPatch: pre failed to quiesce", "the database answers in time (509)"},
    Symptom{"WorkloadPatch: Pre failed for oracle", "sqlplus can begin the backup (500)"},
    Symptom{"WorkloadPatch: Not app consistent backup",
            "the snapshot is there before the timeout of workload.conf (510)"},
    Symptom{"Workload in no archive log mode", "ARCHIVELOG mode (511)"},
    Symptom{"WorkloadPatch: Database status changed during backup", "open, or closed, all the time (508)"},
    Symptom{"WorkloadPatch: Database log mode changed during backup", "the same mode all the time (512)"},
    Symptom{"WorkloadPatch: exception in workload conf file parsing", "a file that can be parsed (501)"},
    Symptom{"Workload Patch failed with", "no such line"},
    Symptom{forbids_backup, "the database was made consistent, or OnAppFailureDoFsFreeze = True"},
};

class Examination {
public:
    Examination(const machine::Machine& machine, const PythonConfiguration& configuration)
        : machine_(machine), configuration_(configuration) {}

    std::vector<Evidence> faults(const std::string& name) {
        if (!has("credString") && !has("linux_user")) {
            add("neither credString nor linux_user", "one of them, to log in to the database (505)");
        }
        if (const auto role = value("role"); role && *role != "master" && *role != "slave") {
            add("role = " + *role, "master or slave (502)");
        }
        for (const auto* key : {"enforceSlaveOnly", "customScriptEnabled"}) {
            if (const auto number = value(key); number && !python_integer(*number)) {
                add(fmt::format("{} = {}", key, *number), "0 or 1 (501)");
            }
        }
        if (const auto timeout = value("timeout"); timeout && !timeout->empty() && !python_integer(*timeout)) {
            add("timeout = " + *timeout, "seconds, a whole number");
        }
        look_at_folder("command_path", "folder of the database's programs");
        const bool needs_folder = name == "mysql" || name == "mariadb";
        if (needs_folder && value("ipc_folder").value_or("").empty()) {
            add("no ipc_folder", "a folder that the database server may write to (507)");
        } else {
            look_at_folder("ipc_folder", "a folder that the database server may write to (507)");
        }
        if (const auto list = value("configuration_path"); list && !list->empty() && is_missing(*list)) {
            add("configuration_path = " + *list + ", which does not exist",
                "the list of instances, such as /etc/oratab");
        }
        return std::move(faults_);
    }

private:
    std::optional<std::string> value(const char* key) const { return configuration_.get(section, key); }
    bool has(const char* key) const { return value(key).has_value(); }
    bool is_missing(const std::string& file) const {
        const auto status = machine_.files().status(file);
        return !status && status.error().kind == machine::ErrorKind::not_found;
    }
    void look_at_folder(const char* key, const char* meaning) {
        const auto folder = value(key);
        if (folder && folder->starts_with('/') && is_missing(*folder)) {
            add(fmt::format("{} = {}, which does not exist", key, *folder), meaning);
        }
    }
    void add(std::string seen, std::string expected) {
        faults_.push_back({path, std::move(seen), std::move(expected)});
    }

    const machine::Machine& machine_;
    const PythonConfiguration& configuration_;
    std::vector<Evidence> faults_;
};

/// Returns the lines of the last run.
std::vector<Evidence> symptoms_of_last_backup(const machine::Machine& machine) {
    std::vector<Evidence> evidence;
    const auto& log = machine.derived<LogEvidence>();
    const auto* newest = log.newest_attempt();
    for (const auto& symptom : symptoms) {
        const auto* match = log.find(Log::extension, symptom.text);
        const bool of_last = match && (!newest || !newest->started || belongs_to(match->newest, *newest));
        if (of_last) evidence.push_back(match->newest.evidence(symptom.expected));
    }
    return evidence;
}

/// Sets the weight: the extension freezes anyway, so that a problem of the database fails a backup only where the
/// extension says so.
Finding weighed(Finding finding, const machine::Machine& machine) {
    const auto* failed = last_failed_backup(machine);
    const auto* forbidden =
        failed ? machine.derived<LogEvidence>().find_current(Log::extension, forbids_backup) : nullptr;
    const bool was_reported = (failed && failed->result && *failed->result >= 500 && *failed->result <= 512) ||
                              (forbidden && belongs_to(forbidden->newest, *failed));
    return was_reported ? finding : std::move(finding).as_risk();
}

Finding diagnose(const machine::Machine& machine) {
    const auto bytes = machine.files().read(path);
    if (!bytes && bytes.error().kind == machine::ErrorKind::not_found) {
        return Finding::not_applicable("No database is configured in workload.conf.");
    }
    if (!bytes) return Finding::unknown(path, bytes.error());
    const auto encoding = examine_encoding(*bytes);
    const PythonConfiguration configuration(encoding.text.value_or(""));
    std::vector<Evidence> evidence;
    if (encoding.fault != TextEncoding::Fault::none) {
        evidence.push_back({path, std::string(to_string(encoding.fault)), "plain ASCII text"});
    }
    for (const auto& problem : configuration.problems()) {
        evidence.push_back({fmt::format("{}:{}", path, problem.line), problem.text,
                            "[workload] above the settings, each setting once as key = value"});
    }
    if (!evidence.empty()) {
        return weighed(Finding::needs_operator("The extension cannot read workload.conf, so the database is not made "
                                               "consistent before the snapshot.",
                                               std::move(evidence), fmt::format("Correct these lines of {}.", path)),
                       machine);
    }
    const auto name = configuration.get(section, "workload_name").value_or("");
    if (name.empty()) return Finding::not_applicable("No database is configured in workload.conf.");
    if (std::ranges::find(databases, name) == databases.end()) {
        return weighed(
            Finding::needs_operator(
                fmt::format("workload.conf names \"{}\", which the extension does not know: it passes over the file.",
                            name),
                {{path, "workload_name = " + name, "oracle, mysql, mariadb or postgres, in small letters"}},
                fmt::format("Write one of these names in {}.", path)),
            machine);
    }
    evidence = Examination(machine, configuration).faults(name);
    const bool is_configured_wrongly = !evidence.empty();
    std::ranges::move(symptoms_of_last_backup(machine), std::back_inserter(evidence));
    if (evidence.empty()) {
        return Finding::healthy(fmt::format("Nothing wrong is seen with the backup of the {} database.", name),
                                {{path, "workload_name = " + name, "a known database"}});
    }
    return weighed(
        is_configured_wrongly
            ? Finding::needs_operator(fmt::format("workload.conf does not describe the {} database rightly.", name),
                                      std::move(evidence), fmt::format("Correct {}; see the evidence.", path))
            : Finding::needs_operator(
                  fmt::format("The {} database could not be made consistent in the last backup.", name),
                  std::move(evidence),
                  "Check that the database runs, and that the user of workload.conf can log in to it "
                  "and may lock it; the lines \"WorkloadPatch:\" of extension.log tell how far it came."),
        machine);
}

std::vector<LogPattern> patterns() {
    std::vector<LogPattern> all;
    for (const auto& symptom : symptoms) all.push_back({Log::extension, symptom.text});
    return all;
}

}  // namespace

Remediation remediation() {
    return {
        .id = "workload-plugin",
        .title = "The database is not made consistent before the snapshot",
        .layer = Layer::os_snapshot,
        .scope = Scope::linux,
        .error_codes = {"500", "501", "502", "503", "504", "505", "506", "507", "508", "509", "510", "511", "512"},
        .explanation =
            "/etc/azure/workload.conf tells the extension which database to quiesce: oracle, mysql, mariadb or "
            "postgres. An empty name means none. Mistakes in it and a database that does not answer leave a backup "
            "that is consistent for the file system only. Its settings and the database are the administrator's; this "
            "says what is wrong.",
        .source =
            "https://github.com/Azure/azure-linux-extensions/blob/master/VMBackup/main/workloadPatch/WorkloadPatch.py",
        .signals = joined(
            {all_judged(patterns()),
             {{.role = Role::proof, .results = {500, 501, 502, 503, 504, 505, 506, 507, 508, 509, 510, 511, 512}}}}),
        .diagnose = diagnose,
    };
}

}  // namespace remediations::causes::workload_plugin
