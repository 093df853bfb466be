#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "handler/report/page.hpp"
#include "remediations/machine/result.hpp"
#include "remediations/model/remediation.hpp"

namespace handler {

enum class CommandName {
    diagnose,
    fix,
    undo,
    list,
    explain,
    capture,
    history,
    rehearse,
    access,
    prove,
    guard,
    help,
    version,
    welcome,     ///< no command
    completion,  ///< a script for a shell
    manual,      ///< the page for man(1)
};
enum class Format { text, json, html, markdown, csv };
enum class Color { automatic, always, never };

/// A parsed command line, checked as far as possible without looking at a machine.
struct Arguments {
    /// RUN of undo, CODE or ID of explain, "on", "off" or "status" of guard, SHELL of completion, the command of help.
    std::string operand;
    std::string error_code;
    std::vector<std::string> only;     ///< remediation ids, each in the catalogue
    std::vector<std::string> exclude;  ///< remediation ids, each in the catalogue
    std::string agent_installer;       ///< the guest agent's MSI, for agent-reinstall
    std::chrono::hours hours{1};       ///< of guard on: between its looks
    std::string identity;              ///< client id of a managed identity
    std::string vault;                 ///< resource id
    std::string vm;                    ///< resource id of another VM, seen only through Azure
    std::vector<std::string> allow;    ///< of fix: resource ids of what may be changed in Azure
    std::string cloud;                 ///< "AzurePublicCloud"
    std::chrono::hours within{3};      ///< of prove
    std::string capture;               ///< folder of the capture to read; empty for this computer
    std::string output;                ///< folder to which a capture is written
    std::vector<std::string> mounts;   ///< mount points to rehearse; empty for those of a backup
    CommandName command = CommandName::help;
    Format format = Format::text;
    Color color = Color::automatic;
    remediations::Disruption max_disruption = remediations::Disruption::service_restart;
    bool archive = false;  ///< of capture: the support bundle, as one file
    bool all = false;      ///< of explain: everything
    bool allow_security_changes = false;
    bool repair_risks = false;
    bool dry_run = false;
    bool watch = false;           ///< of guard on: repairs nothing
    bool azure = false;           ///< ask Azure too
    bool token_on_input = false;  ///< a person's token is read from standard input
    bool wait_for_vault = false;  ///< of prove: waits until the recovery point is in the vault
    bool lock_again = false;      ///< of prove: puts locks back that 'fix' removed
    bool include_system = false;
    bool despite_damage = false;  ///< of undo: leaves out damaged lines of the journal

    /// Of diagnose: all VMs of the vault are looked at, and not this one.
    bool is_about_vault() const {
        return command == CommandName::diagnose && token_on_input && !vault.empty() && vm.empty() && !azure;
    }
};

/// Parses a command line. ErrorKind::invalid names the argument, what was expected, and near misses.
machine::Result<Arguments> parse_arguments(const std::vector<std::string>& arguments);

/// The commands and options, for completions and the manual page.
struct OptionOutline {
    std::string_view name;
    std::string_view value;  ///< placeholder of the value; empty for a switch
    std::string_view help;
    std::vector<std::string> choices;  ///< the possible values; empty where any value may be given
    bool takes_path = false;
};
struct CommandOutline {
    std::string_view word;
    std::string_view operand;  ///< placeholder, in brackets where it is optional; empty for none
    std::string_view summary;
    std::string_view details;
    std::vector<std::string> choices;  ///< of the operand
    std::vector<OptionOutline> options;
    std::vector<std::string_view> examples;
};
std::vector<CommandOutline> outline();

/// Returns the exit codes, each with its meaning.
std::vector<std::pair<std::string_view, std::string_view>> exit_codes();

/// Returns the text of --help: of one command, or of the program for an empty name, which is called `program`.
std::string help(const std::string& command, const TextStyle& style, const std::string& program = "backup-remediation");

/// How the commands of a page call this program, so that they fit its lines.
struct Call {
    std::string enter;    ///< a command to be given once, before; empty where none is needed
    std::string program;  ///< the first word
};
/// By its full path, but from its folder where that is too long for `longest` characters behind it.
Call how_to_call(const std::string& program, std::size_t longest, const TextStyle& style);

}  // namespace handler
