#include "handler/cli/arguments.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <functional>
#include <set>

#include "handler/guard/guard_settings.hpp"
#include "handler/report/page.hpp"
#include "handler/report/plain_text.hpp"
#include "remediations/engine/catalogue.hpp"
#include "remediations/knowledge/azure/attach.hpp"
#include "remediations/machine/arm/client.hpp"
#include "remediations/model/error_codes.hpp"

namespace handler {

using machine::Error;
using machine::Result;

namespace {

Error invalid(std::string message) {
    return machine::Error::invalid(std::move(message));
}

std::vector<std::string> remediation_ids() {
    std::vector<std::string> ids;
    for (const auto* remediation : remediations::catalogue()) ids.push_back(remediation->id);
    return ids;
}

std::vector<std::string> split(const std::string& text, char separator) {
    std::vector<std::string> parts;
    for (std::size_t begin = 0; begin <= text.size();) {
        const auto end = std::min(text.find(separator, begin), text.size());
        parts.push_back(text.substr(begin, end - begin));
        begin = end + 1;
    }
    return parts;
}

Result<void> take_ids(std::vector<std::string>& ids, const std::string& value) {
    const auto known = remediation_ids();
    for (auto& id : split(value, ',')) {
        if (std::ranges::find(known, id) == known.end()) {
            return invalid(fmt::format("'{}' is no remediation{} ('backup-remediation list' shows all)", visible(id),
                                       did_you_mean(id, known)));
        }
        ids.push_back(std::move(id));
    }
    return {};
}

template <class Value>
Result<void> take_word(Value& target, const std::string& word,
                       const std::vector<std::pair<std::string, Value>>& words) {
    std::vector<std::string> known;
    for (const auto& [name, value] : words) {
        if (name == word) {
            target = value;
            return {};
        }
        known.push_back(name);
    }
    return invalid(
        fmt::format("'{}' is none of {}{}", visible(word), fmt::join(known, ", "), did_you_mean(word, known)));
}

Result<void> take_text(std::string& target, const std::string& value) {
    if (value.empty()) return invalid("the value is empty");
    target = value;
    return {};
}

struct Option {
    std::string_view name;
    std::string_view value;  ///< placeholder of the value; empty for a switch
    std::string_view help;
    std::function<Result<void>(Arguments&, const std::string& value)> take;
    bool repeatable = false;
};

const std::vector<std::pair<std::string, Format>> formats = {{"text", Format::text},
                                                             {"json", Format::json},
                                                             {"html", Format::html},
                                                             {"markdown", Format::markdown},
                                                             {"csv", Format::csv}};
const std::vector<std::pair<std::string, Color>> colors = {
    {"auto", Color::automatic}, {"always", Color::always}, {"never", Color::never}};
const std::vector<std::pair<std::string, bool>> waits = {{"snapshot", false}, {"vault", true}};
constexpr std::string_view shells[] = {"bash", "zsh", "powershell"};
constexpr std::string_view guard_words[] = {"on", "off", "status"};

std::vector<std::pair<std::string, remediations::Disruption>> disruptions() {
    using enum remediations::Disruption;
    std::vector<std::pair<std::string, remediations::Disruption>> words;
    for (const auto level : {none, agent_restart, service_restart, workload}) {
        words.emplace_back(to_string(level), level);
    }
    return words;
}

const Option known_options[] = {
    {"--error-code", "CODE",
     "The error code of the failed backup job, or its message in English. Among causes in the same layer, one that "
     "explains it is the root cause.",
     [](Arguments& a, const std::string& value) {
         const auto* code = remediations::find_code_by_message(value);
         return take_text(a.error_code, code ? std::string(code->names.front()) : value);
     }},
    {"--only", "ID[,ID]", "Look at these remediations only ('list' shows them).",
     [](Arguments& a, const std::string& value) { return take_ids(a.only, value); }},
    {"--exclude", "ID[,ID]", "Leave these remediations out.",
     [](Arguments& a, const std::string& value) { return take_ids(a.exclude, value); }},
    {"--max-disruption", "LEVEL",
     "The most a fix may disturb: none (files and settings of backup itself), agent-restart, service-restart "
     "(the default: services whose restart users do not feel), workload (anything that can lose data).",
     [](Arguments& a, const std::string& value) { return take_word(a.max_disruption, value, disruptions()); }},
    {"--allow-security-changes", "",
     "Repair also what protects the VM or may be switched off to protect it: a firewall rule, TLS, an exclusion from "
     "antivirus, a disabled service.",
     [](Arguments& a, const std::string&) -> Result<void> {
         a.allow_security_changes = true;
         return {};
     }},
    {"--repair-risks", "",
     "Repair also what makes no backup fail today; without it a risk is repaired only where --only names it.",
     [](Arguments& a, const std::string&) -> Result<void> {
         a.repair_risks = true;
         return {};
     }},
    {"--agent-installer", "FILE",
     "The Windows guest agent's MSI on this VM, for agent-reinstall; nothing is downloaded.",
     [](Arguments& a, const std::string& value) { return take_text(a.agent_installer, value); }},
    {"--dry-run", "", "Say what would be changed and change nothing.",
     [](Arguments& a, const std::string&) -> Result<void> {
         a.dry_run = true;
         return {};
     }},
    {"--watch", "", "The guard diagnoses and reports, and repairs nothing.",
     [](Arguments& a, const std::string&) -> Result<void> {
         a.watch = true;
         return {};
     }},
    {"--hours", "N", "How often the guard looks whether something happened: every N hours, 1 (the default) to 24.",
     [](Arguments& a, const std::string& value) -> Result<void> {
         int hours = 0;
         const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), hours);
         if (error != std::errc() || end != value.data() + value.size() || hours < 1 || hours > most_guard_hours) {
             return invalid(fmt::format("'{}' is no number of hours from 1 to {}", visible(value), most_guard_hours));
         }
         a.hours = std::chrono::hours(hours);
         return {};
     }},
    {"--despite-damage", "",
     "Take back what can be read of a journal that is damaged; without it nothing is. What a damaged line says is left "
     "as it is.",
     [](Arguments& a, const std::string&) -> Result<void> {
         a.despite_damage = true;
         return {};
     }},
    {"--azure", "",
     "Ask Azure Resource Manager too, as the VM's managed identity: the vault's jobs and their error, the VM's state, "
     "locks, "
     "restore points, policies. Changes nothing there.",
     [](Arguments& a, const std::string&) -> Result<void> {
         a.azure = true;
         return {};
     }},
    {"--identity", "CLIENT-ID", "The user-assigned managed identity to ask as, where the VM has several.",
     [](Arguments& a, const std::string& value) { return take_text(a.identity, value); }},
    {"--vault", "VAULT-ID",
     "The resource id of the vault that protects the VM, where the identity has no role at the subscription. With "
     "'diagnose --token -' and neither --azure nor --vm: look at all VMs of this vault, from any computer.",
     [](Arguments& a, const std::string& value) -> Result<void> {
         if (const auto problem = remediations::azure::problem_of_vault_id(value); !problem.empty()) {
             return invalid(problem);
         }
         a.vault = value;
         return {};
     }},
    {"--vm", "VM-ID",
     "The VM with this resource id, through Azure alone, from any computer, also when it is off. Needs --token.",
     [](Arguments& a, const std::string& value) -> Result<void> {
         if (const auto problem = remediations::azure::problem_of_vm_id(value); !problem.empty()) {
             return invalid(problem);
         }
         a.vm = value;
         return {};
     }},
    {"--allow", "ID",
     "With --vm: the full resource id of what may be changed; may be repeated. A lock, or a collection of restore "
     "points, to remove; a disk restore point whose export is to end; the policy to resume a stopped protection with; "
     "KEY-VAULT-ID/accessPolicies/OBJECT-ID to give Backup Management Service its rights. Undo takes back all but the "
     "restore points and the export.",
     [](Arguments& a, const std::string& value) -> Result<void> {
         constexpr std::size_t longest_id = 2048;
         if (!value.starts_with("/subscriptions/") || value.size() > longest_id) {
             return invalid("expected a resource id, /subscriptions/<id>/...");
         }
         a.allow.push_back(value);
         return {};
     },
     true},
    {"--token", "-",
     "Ask Azure with a person's token, which is read from standard input: az account get-access-token --query "
     "accessToken "
     "-o tsv prints one.",
     [](Arguments& a, const std::string& value) -> Result<void> {
         if (value != "-") {
             return invalid("a token on a command line is seen by others: give - and pass it on standard input");
         }
         a.token_on_input = true;
         return {};
     }},
    {"--cloud", "NAME",
     "The cloud of the VM: AzurePublicCloud (the default), AzureUSGovernmentCloud or AzureChinaCloud.",
     [](Arguments& a, const std::string& value) -> Result<void> {
         std::vector<std::pair<std::string, std::string>> words;
         for (const auto& name : machine::arm::known_clouds()) words.emplace_back(name, name);
         return take_word(a.cloud, value, words);
     }},
    {"--wait", "WHAT",
     "snapshot (the default): until the snapshot is a recovery point, some minutes; vault: until it lies in the vault.",
     [](Arguments& a, const std::string& value) { return take_word(a.wait_for_vault, value, waits); }},
    {"--lock-again", "",
     "With --vm, once the backup is proven: put back the locks that 'fix' removed for this VM from this computer, when "
     "none of its restore points is overdue any more. Not those on Azure Backup's own group.",
     [](Arguments& a, const std::string&) -> Result<void> {
         a.lock_again = true;
         return {};
     }},
    {"--within", "HOURS", "Wait so many hours at most, from 1 to 48 (the default: 3).",
     [](Arguments& a, const std::string& value) -> Result<void> {
         constexpr int most_hours = 48;
         int hours = 0;
         const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), hours);
         const bool is_number = error == std::errc() && end == value.data() + value.size();
         if (!is_number || hours < 1 || hours > most_hours) {
             return invalid(fmt::format("expected a whole number of hours from 1 to {}", most_hours));
         }
         a.within = std::chrono::hours(hours);
         return {};
     }},
    {"--capture", "DIR", "Look at the machine recorded in DIR (see 'capture') instead of this computer.",
     [](Arguments& a, const std::string& value) { return take_text(a.capture, value); }},
    {"--output", "DIR", "Where the capture is written; must not exist, or be empty.",
     [](Arguments& a, const std::string& value) { return take_text(a.output, value); }},
    {"--mount", "PATH", "Rehearse this mount point only, whatever a backup would freeze; may be repeated.",
     [](Arguments& a, const std::string& value) -> Result<void> {
         if (!value.starts_with('/')) return invalid(fmt::format("'{}' is no absolute path", visible(value)));
         a.mounts.push_back(value);
         return {};
     },
     true},
    {"--include-system", "",
     "Freeze the file systems that hold /, this program, its logs or its state too. They are thawed after some "
     "milliseconds, as the others are.",
     [](Arguments& a, const std::string&) -> Result<void> {
         a.include_system = true;
         return {};
     }},
    {"--archive", "",
     "One ZIP file in DIR, with the reports and the newest logs of agent, backup extension and system too: what "
     "support "
     "asks for.",
     [](Arguments& a, const std::string&) -> Result<void> {
         a.archive = true;
         return {};
     }},
    {"--all", "", "Everything that can be explained, as one Markdown document (--format markdown).",
     [](Arguments& a, const std::string&) -> Result<void> {
         a.all = true;
         return {};
     }},
    {"--format", "FORMAT",
     "text (the default) for people, json for programs; of diagnose and fix also html, one file that needs no other; "
     "of explain --all markdown.",
     [](Arguments& a, const std::string& value) { return take_word(a.format, value, formats); }},
    {"--color", "WHEN", "auto (the default: on a terminal, unless NO_COLOR is set), always or never.",
     [](Arguments& a, const std::string& value) { return take_word(a.color, value, colors); }},
};

struct Command {
    CommandName name;
    std::string_view word;
    std::string_view operand;  ///< placeholder, in brackets where it is optional; empty for none
    std::string_view summary;
    std::string_view details;
    std::vector<std::string_view> options;
    std::vector<std::string_view> examples;
};

constexpr std::string_view look_at_vault_as_csv =
    "az account get-access-token --query accessToken -o tsv | backup-remediation diagnose --vault VAULT-ID --token - "
    "--format csv";

const Command commands[] = {
    {CommandName::diagnose,
     "diagnose",
     "",
     "Find out why the backup of this VM fails. Changes nothing.",
     "Looks at every layer of the backup pipeline, because a broken layer makes the later ones look broken, and names "
     "the cause that explains the failure. Run it as root or administrator: what may not be read is reported as "
     "unknown, never guessed.",
     {"--error-code", "--only", "--exclude", "--agent-installer", "--azure", "--identity", "--vault", "--vm", "--token",
      "--cloud", "--capture", "--format", "--color"},
     {"backup-remediation diagnose", "backup-remediation diagnose --azure",
      "az account get-access-token --query accessToken -o tsv | backup-remediation diagnose --vm VM-ID --token -",
      look_at_vault_as_csv, "backup-remediation diagnose --error-code ExtensionSnapshotFailedCOM",
      "backup-remediation diagnose --capture /tmp/vm1 --format json", "backup-remediation diagnose --format html"}},
    {CommandName::fix,
     "fix",
     "",
     "Diagnose, repair what is broken, and prove that it helped.",
     "Repairs in the order of the pipeline. Each change is written to a journal before it is made, so that 'undo' "
     "can take it back; a repair that did not help is taken back at once. Nothing is repaired while a backup runs. "
     "A repair that disturbs more than --max-disruption allows, changes what protects the VM, or is of a mere risk, is "
     "reported as needs-approval, with the option that allows it. The VM is never restarted.",
     {"--dry-run", "--error-code", "--only", "--exclude", "--max-disruption", "--allow-security-changes",
      "--repair-risks", "--agent-installer", "--azure", "--identity", "--vault", "--vm", "--token", "--cloud",
      "--allow", "--capture", "--format", "--color"},
     {"backup-remediation fix --dry-run", "backup-remediation fix",
      "az account get-access-token --query accessToken -o tsv | backup-remediation fix --vm VM-ID --token -",
      "backup-remediation fix --only msdtc-damaged --max-disruption workload"}},
    {CommandName::rehearse,
     "rehearse",
     "",
     "Freeze and thaw what a backup would, for some milliseconds, to prove that it can (Linux).",
     "Takes the file systems that the backup extension freezes for a snapshot, in its order; writes out what is dirty, "
     "freezes them, and thaws them at once. Two processes watch over it, so that nothing stays frozen whatever "
     "happens, and nothing is frozen for more than two seconds. Refused while a backup runs, while another program "
     "freezes, and "
     "while a process (fapolicyd, some antivirus) decides about other processes' access to files, because a freeze can "
     "hang then. What holds / or this program is left out without --include-system.",
     {"--mount", "--include-system", "--format", "--color"},
     {"backup-remediation rehearse", "backup-remediation rehearse --include-system",
      "backup-remediation rehearse --mount /data --mount /srv"}},
    {CommandName::undo,
     "undo",
     "[RUN]",
     "Take back what a run of 'fix' or of the extension changed.",
     "Without RUN, the newest run that still has something to take back ('history' shows all). Puts back only what "
     "is still as that run left it; what somebody changed since is left alone and said so.",
     {"--despite-damage", "--vm", "--token", "--cloud", "--format", "--color"},
     {"backup-remediation undo", "backup-remediation undo 20261121T014907Z-0001"}},
    {CommandName::guard,
     "guard",
     "[on|off|status]",
     "Have this VM look after its backups by itself, or say whether it does.",
     "A timer of the system (systemd or cron; the Task Scheduler on Windows) starts a private copy of this program "
     "every "
     "hour, which ends at once where nothing happened. When a backup failed, or the guest agent is dead, it diagnoses "
     "and "
     "repairs one cause, as 'fix' with the same options would; the next backup proves the repair, and what did not "
     "help "
     "is taken back. It reports through the extension from whose folder it was switched on. It tries a cause once a "
     "day, and three times in a row at most. 'off' removes timer and copy; the "
     "journals of its repairs stay, for 'undo'.",
     {"--watch", "--hours", "--max-disruption", "--allow-security-changes", "--only", "--exclude", "--agent-installer",
      "--format", "--color"},
     {"backup-remediation guard on", "backup-remediation guard on --watch", "backup-remediation guard",
      "backup-remediation guard off"}},
    {CommandName::history,
     "history",
     "",
     "Show the runs that changed something on this VM.",
     "Oldest first: when, what the root cause was, how many changes were made and whether they were taken back.",
     {"--format", "--color"},
     {"backup-remediation history"}},
    {CommandName::access,
     "access",
     "",
     "Say whether Azure can be asked, as whom, and which rights are missing.",
     "Asks as the VM's managed identity or, with --token -, as a person. Names each action that is missing and what "
     "stays "
     "unknown without it; the role definition 'Backup Remediation: look' has them all. Changes nothing.",
     {"--identity", "--vault", "--vm", "--token", "--cloud", "--format", "--color"},
     {"backup-remediation access"}},
    {CommandName::prove,
     "prove",
     "",
     "Start a backup, and say when its recovery point exists: only that proves that backups work again.",
     "Starts one as the VM's managed identity or, with --token -, as a person, unless one runs already; then waits for "
     "its "
     "recovery point. It costs what any backup costs, and expires after two days. Ctrl+C ends the waiting, not the "
     "backup. "
     "Exit code 0 only with a recovery point; 1 where the backup failed or is not through in time.",
     {"--wait", "--within", "--lock-again", "--identity", "--vault", "--vm", "--token", "--cloud", "--format",
      "--color"},
     {"backup-remediation prove", "backup-remediation prove --wait vault --within 24",
      "backup-remediation prove --vm VM-ID --token - --lock-again"}},
    {CommandName::list,
     "list",
     "",
     "Show every cause this program knows, by layer.",
     "For each: its id, the system it is about, what its repair may disturb, and whether there is a repair or only "
     "advice.",
     {"--format", "--color"},
     {"backup-remediation list"}},
    {CommandName::explain,
     "explain",
     "CODE|ID",
     "Say what an error code or a remediation means.",
     "CODE is an error code of a backup job (UserErrorGuestAgentStatusUnavailable), a result code of the Linux "
     "backup extension (121), a handler code of the guest agent (1009), or what a log or an event says: "
     "0x80042306, VSS 12366, EPERM, HTTP 409, exit 127, signal 9, SQL 3041, or a whole line; the causes that look for "
     "it "
     "are named. ID is a remediation of 'list'.",
     {"--all", "--format", "--color"},
     {"backup-remediation explain UserErrorGuestAgentStatusUnavailable", "backup-remediation explain 121",
      "backup-remediation explain \"Could not communicate with the VM agent\"", "backup-remediation explain 0x80042306",
      "backup-remediation explain VSS 12366"}},
    {CommandName::capture,
     "capture",
     "",
     "Record what this VM shows, so that it can be diagnosed on another computer.",
     "Runs every diagnosis and writes each question and its answer to DIR: facts.json and the files that were read, "
     "with secrets redacted. Look through it before you give it away. Changes nothing else.",
     {"--output", "--archive", "--azure", "--identity", "--vault"},
     {"backup-remediation capture --output /tmp/vm1", "backup-remediation diagnose --capture /tmp/vm1",
      "backup-remediation capture --archive --output /tmp/vm1"}},
    {CommandName::completion,
     "completion",
     "SHELL",
     "Print a script that completes this program's words: bash, zsh or powershell.",
     "bash: put it into /etc/bash_completion.d/backup-remediation. zsh: into a folder of $fpath, as "
     "_backup-remediation. PowerShell: into the profile ($PROFILE), or run it once in a session.",
     {},
     {"backup-remediation completion bash", "backup-remediation completion powershell"}},
    {CommandName::manual,
     "manual",
     "",
     "Print this help as a manual page, for man.",
     "On Linux: put it into /usr/local/share/man/man1/backup-remediation.1, or give it to 'man -l -'.",
     {},
     {"backup-remediation manual"}},
};

const Command* find_command(std::string_view word) {
    const auto* found = std::ranges::find(commands, word, &Command::word);
    return found == std::end(commands) ? nullptr : found;
}

const Option* find_option(std::string_view name) {
    const auto* found = std::ranges::find(known_options, name, &Option::name);
    return found == std::end(known_options) ? nullptr : found;
}

bool accepts(const Command& command, std::string_view option) {
    return std::ranges::find(command.options, option) != command.options.end();
}

std::vector<std::string> command_words() {
    std::vector<std::string> words;
    for (const auto& command : commands) words.emplace_back(command.word);
    words.emplace_back("help");
    return words;
}

Error unknown_command(const std::string& word) {
    return invalid(fmt::format("'{}' is no command{} (expected one of {})", visible(word),
                               did_you_mean(word, command_words()), fmt::join(command_words(), ", ")));
}

Error unknown_option(const Command& command, const std::string& name) {
    if (find_option(name) != nullptr) {
        std::vector<std::string_view> users;
        for (const auto& other : commands) {
            if (accepts(other, name)) users.push_back(other.word);
        }
        return invalid(
            fmt::format("{} does not go with '{}' (it goes with {})", name, command.word, fmt::join(users, ", ")));
    }
    std::vector<std::string> known{"--help"};
    known.insert(known.end(), command.options.begin(), command.options.end());
    return invalid(fmt::format("{} is no option of '{}'{} (expected one of {})", visible(name), command.word,
                               did_you_mean(name, known), fmt::join(known, ", ")));
}

Result<Arguments> parse_help(const std::vector<std::string>& words) {
    Arguments parsed;
    if (words.empty()) return parsed;
    if (words.size() > 1) return invalid(fmt::format("'{}': help takes one command", visible(words[1])));
    if (find_command(words[0]) == nullptr) return unknown_command(words[0]);
    parsed.operand = words[0];
    return parsed;
}

/// Checks the rules between arguments.
Result<void> check(const Command& command, const Arguments& arguments) {
    if (arguments.command == CommandName::completion && !arguments.operand.empty() &&
        std::ranges::find(shells, arguments.operand) == std::end(shells)) {
        return invalid(fmt::format("'{}' is none of {}{}", visible(arguments.operand), fmt::join(shells, ", "),
                                   did_you_mean(arguments.operand, {std::begin(shells), std::end(shells)})));
    }
    if (!command.operand.empty() && command.operand.front() != '[' && arguments.operand.empty() && !arguments.all) {
        return invalid(fmt::format("'{}' needs {}", command.word, command.operand));
    }
    if (arguments.all && !arguments.operand.empty()) {
        return invalid(fmt::format("'{}' and --all exclude each other", visible(arguments.operand)));
    }
    if (arguments.all != (arguments.format == Format::markdown)) {
        return invalid("--all and --format markdown go together, with 'explain'");
    }
    const bool reports = arguments.command == CommandName::diagnose || arguments.command == CommandName::fix;
    if (arguments.format == Format::html && !reports) {
        return invalid(fmt::format("--format html does not go with '{}' (it goes with diagnose, fix)", command.word));
    }
    if (arguments.command == CommandName::guard && !arguments.operand.empty() &&
        std::ranges::find(guard_words, arguments.operand) == std::end(guard_words)) {
        return invalid(fmt::format("'{}' is none of {}", visible(arguments.operand), fmt::join(guard_words, ", ")));
    }
    if (arguments.command == CommandName::capture && arguments.output.empty()) {
        return invalid("'capture' needs --output DIR");
    }
    if (arguments.command == CommandName::fix && !arguments.capture.empty() && !arguments.dry_run) {
        return invalid("--capture: a recorded machine cannot be repaired (add --dry-run to see what would be changed)");
    }
    if (!arguments.vm.empty() && !arguments.token_on_input) return invalid("--vm needs --token -");
    if (!arguments.vm.empty() && (arguments.azure || !arguments.capture.empty())) {
        return invalid("--vm goes neither with --azure nor with --capture");
    }
    if (arguments.is_about_vault()) {
        if (!(arguments.error_code + arguments.capture + arguments.agent_installer).empty()) {
            return invalid(
                "--vault with --token alone looks at all VMs of a vault: --error-code, --capture and "
                "--agent-installer are about one VM");
        }
        if (arguments.format == Format::html) return invalid("--format html is about one VM, and --vault about many");
    } else if (arguments.format == Format::csv) {
        return invalid("--format csv goes with 'diagnose --vault VAULT-ID --token -', which is about many VMs");
    }
    if (!arguments.allow.empty() && arguments.vm.empty()) return invalid("--allow needs --vm VM-ID --token -");
    if (arguments.lock_again && arguments.vm.empty()) return invalid("--lock-again needs --vm VM-ID --token -");
    const bool changes = arguments.command == CommandName::fix || arguments.command == CommandName::undo;
    if (changes && arguments.token_on_input && arguments.vm.empty()) {
        return invalid(fmt::format("'{}' takes --token with --vm alone", command.word));
    }
    if (arguments.token_on_input && !arguments.identity.empty()) {
        return invalid("--token and --identity exclude each other");
    }
    if (!arguments.capture.empty() && arguments.azure) {
        return invalid("--azure does not go with --capture: what Azure answered is in the capture");
    }
    const bool asks = arguments.azure || arguments.token_on_input || arguments.command == CommandName::access ||
                      arguments.command == CommandName::prove;
    if (!asks && !(arguments.identity + arguments.vault + arguments.cloud).empty()) {
        return invalid("--identity, --vault and --cloud need --azure or --token -");
    }
    for (const auto& id : arguments.only) {
        if (std::ranges::find(arguments.exclude, id) != arguments.exclude.end()) {
            return invalid(fmt::format("'{}' is in both --only and --exclude", id));
        }
    }
    return {};
}

std::string usage(std::string_view word, std::string_view value) {
    return value.empty() ? std::string(word) : fmt::format("{} {}", word, value);
}

void add_exit_codes(Page& page) {
    page.blank();
    page.heading("Exit codes:");
    for (const auto& [code, meaning] : exit_codes()) page.entry(2, code, 5, meaning);
}

void add_help_of(Page& page, const Command& command) {
    constexpr std::size_t column = 26;
    page.heading(fmt::format("backup-remediation {} [OPTIONS]", usage(command.word, command.operand)));
    page.blank();
    page.paragraph(0, command.summary);
    page.blank();
    page.paragraph(0, command.details);
    page.blank();
    page.heading("Options:");
    for (const auto& name : command.options) {
        const auto& option = *find_option(name);
        page.entry(2, usage(option.name, option.value), column, option.help);
    }
    page.entry(2, "--help", column, "Show this.");
    page.blank();
    page.heading("Examples:");
    for (const auto& example : command.examples) page.command(2, example);
}

void add_general_help(Page& page, const TextStyle& style, const std::string& program) {
    constexpr std::size_t column = 20;
    page.paragraph(0,
                   "backup-remediation finds out why Azure Backup of this VM fails, repairs what can be repaired from "
                   "inside the VM, proves that the repair worked, and says what is left for a person to do.");
    page.blank();
    page.paragraph(0, "A backup runs through six layers. A broken one makes the later ones look broken:");
    std::vector<std::string_view> layers;
    for (const auto layer : remediations::all_layers) layers.push_back(to_string(layer));
    page.paragraph(2, fmt::format("{}", fmt::join(layers, " > ")));
    page.blank();
    page.heading("Commands:");
    for (const auto& command : commands) page.entry(2, usage(command.word, command.operand), column, command.summary);
    page.entry(2, "help [COMMAND]", column, "Say more about a command, as COMMAND --help does.");
    page.entry(2, "--version", column, "Show the version.");
    page.blank();
    page.heading("A first time:");
    const std::pair<std::string_view, std::string_view> steps[] = {{"diagnose", "what is broken? (changes nothing)"},
                                                                   {"fix --dry-run", "what would be changed?"},
                                                                   {"fix", "repair it"},
                                                                   {"undo", "if the changes shall be taken back"}};
    constexpr std::size_t longest = 55;
    const auto call = how_to_call(program, longest, style);
    if (!call.enter.empty()) page.command(2, call.enter);
    for (const auto& [words, meaning] : steps) {
        page.command(2, fmt::format("{} {:<13}    {}", call.program, words, meaning));
    }
    page.paragraph(2, "After a repair, start a backup: in the vault, Backup items > this VM > Backup now.");
}

}  // namespace

Result<Arguments> parse_arguments(const std::vector<std::string>& words) {
    if (words.empty()) {
        Arguments nothing;
        nothing.command = CommandName::welcome;
        return nothing;
    }
    const auto wants_help = [](const std::string& word) { return word == "--help" || word == "-h"; };
    if (words[0] == "help" || wants_help(words[0])) return parse_help({words.begin() + 1, words.end()});
    Arguments parsed;
    if (words[0] == "--version") {
        if (words.size() > 1) return invalid(fmt::format("'{}': --version takes nothing else", visible(words[1])));
        parsed.command = CommandName::version;
        return parsed;
    }
    const auto* command = find_command(words[0]);
    if (command == nullptr) return unknown_command(words[0]);
    parsed.command = command->name;

    std::set<std::string> given;
    for (std::size_t index = 1; index < words.size(); ++index) {
        const auto& word = words[index];
        if (wants_help(word)) return parse_help({std::string(command->word)});
        // "explain -2147212538": a number and no option.
        const bool is_number =
            command->name == CommandName::explain && word.size() > 1 && word[1] >= '0' && word[1] <= '9';
        if (!word.starts_with('-') || word == "-" || is_number) {
            const bool goes_on = command->name == CommandName::explain && !parsed.operand.empty() && !word.empty();
            if (goes_on) {  // explain VSS 12366
                parsed.operand += " " + word;
                continue;
            }
            if (command->operand.empty() || !parsed.operand.empty() || word.empty()) {
                return invalid(fmt::format("'{}' was not expected ('{}' takes {})", visible(word), command->word,
                                           command->operand.empty() ? "only options" : command->operand));
            }
            parsed.operand = word;
            continue;
        }
        const auto equals = word.find('=');
        const auto name = word.substr(0, equals);
        const auto* option = find_option(name);
        if (option == nullptr || !accepts(*command, name)) return unknown_option(*command, name);
        if (!given.insert(name).second && !option->repeatable) return invalid(fmt::format("{} is given twice", name));
        std::string value;
        if (equals != std::string::npos) {
            if (option->value.empty()) return invalid(fmt::format("{} takes no value", name));
            value = word.substr(equals + 1);
        } else if (!option->value.empty()) {
            if (index + 1 == words.size() || words[index + 1].starts_with("--")) {
                return invalid(fmt::format("{} needs a value: {}", name, option->value));
            }
            value = words[++index];
        }
        if (const auto taken = option->take(parsed, value); !taken) {
            return invalid(fmt::format("{}: {}", name, taken.error().message));
        }
    }
    if (const auto checked = check(*command, parsed); !checked) return checked.error();
    return parsed;
}

std::vector<CommandOutline> outline() {
    const auto names = [](const auto& words) {
        std::vector<std::string> all;
        for (const auto& [name, value] : words) all.push_back(name);
        return all;
    };
    std::vector<CommandOutline> all;
    for (const auto& command : commands) {
        auto& made = all.emplace_back(
            CommandOutline{command.word, command.operand, command.summary, command.details, {}, {}, command.examples});
        if (command.name == CommandName::completion) made.choices.assign(std::begin(shells), std::end(shells));
        if (command.name == CommandName::explain) made.choices = remediation_ids();
        if (command.name == CommandName::guard) made.choices.assign(std::begin(guard_words), std::end(guard_words));
        for (const auto& name : command.options) {
            const auto& option = *find_option(name);
            auto& listed = made.options.emplace_back(OptionOutline{option.name, option.value, option.help, {}, false});
            if (name == "--only" || name == "--exclude") listed.choices = remediation_ids();
            if (name == "--max-disruption") listed.choices = names(disruptions());
            if (name == "--format") listed.choices = names(formats);
            if (name == "--color") listed.choices = names(colors);
            if (name == "--wait") listed.choices = names(waits);
            if (name == "--cloud") listed.choices = machine::arm::known_clouds();
            listed.takes_path =
                name == "--capture" || name == "--output" || name == "--mount" || name == "--agent-installer";
        }
    }
    return all;
}

std::vector<std::pair<std::string_view, std::string_view>> exit_codes() {
    return {{"0", "nothing is broken, or all of it was fixed"},
            {"1", "something is left: see 'What to do next' of the report"},
            {"2", "bad usage or input"},
            {"3", "the work, or a part of it, could not be done (a check is unknown, say)"}};
}

Call how_to_call(const std::string& program, std::size_t longest, const TextStyle& style) {
    std::string_view path = program;
    const bool is_quoted = path.starts_with('"') && path.ends_with('"') && path.size() > 1;
    if (is_quoted) path = path.substr(1, path.size() - 2);
    const auto end_of_folder = path.find_last_of("/\\");
    if (end_of_folder == std::string_view::npos || length(program) + longest <= style.width) return {"", program};
    const char separator = path[end_of_folder];
    const std::string_view quote = is_quoted ? "\"" : "";
    // pushd changes the drive too, in a command prompt as in PowerShell.
    return {fmt::format("{} {}{}{}", separator == '/' ? "cd" : "pushd", quote, path.substr(0, end_of_folder), quote),
            fmt::format(".{}{}", separator, path.substr(end_of_folder + 1))};
}

std::string help(const std::string& command, const TextStyle& style, const std::string& program) {
    Page page(style);
    if (const auto* found = find_command(command)) {
        add_help_of(page, *found);
    } else {
        add_general_help(page, style, program);
    }
    add_exit_codes(page);
    return std::move(page).text();
}

}  // namespace handler
