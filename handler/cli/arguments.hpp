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
    welcome,     ///< no command at all
    completion,  ///< a script for a shell
    manual,      ///< the page for man(1)
};
enum class Format { text, json, html, markdown };
enum class Color { automatic, always, never };

/// A command line that was understood and checked as far as that goes without looking at a machine.
struct Arguments {
    /// RUN of undo, CODE or ID of explain, "on", "off" or "status" of guard, SHELL of completion, the command that help
    /// is about.
    std::string operand;
    std::string error_code;
    std::vector<std::string> only;     ///< remediation ids, each in the catalogue
    std::vector<std::string> exclude;  ///< remediation ids, each in the catalogue
    std::string agent_installer;       ///< the guest agent's MSI, for agent-reinstall
    std::chrono::hours hours{1};       ///< of guard on: between its looks
    std::string identity;              ///< client id of a managed identity
    std::string vault;                 ///< resource id
    std::string vm;                    ///< resource id of another VM, seen through Azure alone
    std::vector<std::string> allow;    ///< of fix: resource ids of what may be removed in Azure
    std::string cloud;                 ///< "AzurePublicCloud"
    std::chrono::hours within{3};      ///< of prove
    std::string capture;               ///< folder to read the machine from; empty for this computer
    std::string output;                ///< folder to write a capture to
    std::vector<std::string> mounts;   ///< mount points to rehearse; empty for those of a backup
    CommandName command = CommandName::help;
    Format format = Format::text;
    Color color = Color::automatic;
    remediations::Disruption max_disruption = remediations::Disruption::service_restart;
    bool archive = false;  ///< of capture: the support bundle, as one file
    bool all = false;      ///< of explain: everything there is
    bool allow_security_changes = false;
    bool repair_risks = false;
    bool dry_run = false;
    bool watch = false;           ///< of guard on: repairs nothing
    bool azure = false;           ///< ask Azure too
    bool token_on_input = false;  ///< a person's token comes on standard input
    bool wait_for_vault = false;  ///< of prove: until the recovery point is in the vault
    bool include_system = false;
    bool despite_damage = false;  ///< of undo: leave out damaged lines of the journal
};

/// ErrorKind::invalid names the argument, what was expected, and near misses.
machine::Result<Arguments> parse_arguments(const std::vector<std::string>& arguments);

/// All that there is to type, for completions and the manual page.
struct OptionOutline {
    std::string_view name;
    std::string_view value;  ///< placeholder of the value; empty for a switch
    std::string_view help;
    std::vector<std::string> choices;  ///< the values there are; empty where others may be given
    bool takes_path = false;
};
struct CommandOutline {
    std::string_view word;
    std::string_view operand;  ///< placeholder; in brackets where it may be left out; empty for none
    std::string_view summary;
    std::string_view details;
    std::vector<std::string> choices;  ///< of the operand
    std::vector<OptionOutline> options;
    std::vector<std::string_view> examples;
};
std::vector<CommandOutline> outline();

/// The exit codes there are, and what each says.
std::vector<std::pair<std::string_view, std::string_view>> exit_codes();

/// What --help shows: of one command, or of the program for an empty name.
std::string help(const std::string& command, const TextStyle& style);

}  // namespace handler
