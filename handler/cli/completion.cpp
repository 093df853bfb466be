#include "handler/cli/completion.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <vector>

#include "handler/cli/arguments.hpp"
#include "remediations/model/remediation.hpp"

namespace handler {

namespace {

std::string joined(const std::vector<std::string>& words, std::string_view separator) {
    return fmt::format("{}", fmt::join(words, separator));
}

std::vector<std::string> words_of(const std::vector<CommandOutline>& outlines) {
    std::vector<std::string> words;
    for (const auto& command : outlines) words.emplace_back(command.word);
    words.insert(words.end(), {"help", "--help", "--version"});
    return words;
}

std::vector<std::string> option_words(const CommandOutline& command) {
    std::vector<std::string> words{"--help"};
    for (const auto& option : command.options) words.emplace_back(option.name);
    return words;
}

/// Returns the options of all commands, each once.
std::vector<OptionOutline> all_options(const std::vector<CommandOutline>& outlines) {
    std::vector<OptionOutline> all;
    for (const auto& command : outlines) {
        for (const auto& option : command.options) {
            if (std::ranges::find(all, option.name, &OptionOutline::name) == all.end()) all.push_back(option);
        }
    }
    return all;
}

std::string bash(const std::vector<CommandOutline>& outlines) {
    std::string text = R"(# Completion of backup-remediation for bash. Made by 'backup-remediation completion bash'.
_backup_remediation() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} words
    case $previous in
)";
    for (const auto& option : all_options(outlines)) {
        if (!option.choices.empty()) {
            text += fmt::format("        {}) words='{}' ;;\n", option.name, joined(option.choices, " "));
        }
        if (option.takes_path) {
            text += fmt::format(
                "        {}) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- \"$current\"); "
                "return ;;\n",
                option.name);
        }
    }
    text += R"(    esac
    if [[ -z $words ]]; then
        if ((COMP_CWORD == 1)); then
)";
    text += fmt::format("            words='{}'\n        else\n            case ${{COMP_WORDS[1]}} in\n",
                        joined(words_of(outlines), " "));
    for (const auto& command : outlines) {
        auto words = option_words(command);
        words.insert(words.begin(), command.choices.begin(), command.choices.end());
        text += fmt::format("                {}) words='{}' ;;\n", command.word, joined(words, " "));
    }
    text += fmt::format("                help) words='{}' ;;\n", joined(words_of(outlines), " "));
    text += R"(            esac
        fi
    fi
    local last=${current##*,}  # of a list with commas
    mapfile -t COMPREPLY < <(compgen -P "${current%"$last"}" -W "$words" -- "$last")
}
complete -F _backup_remediation backup-remediation
)";
    return text;
}

/// Escapes a text for single quotes; works for both shells.
std::string quoted(std::string_view text, std::string_view quote) {
    std::string result;
    for (const char letter : text) result += letter == '\'' ? std::string(quote) : std::string(1, letter);
    return result;
}

std::string zsh(const std::vector<CommandOutline>& outlines) {
    // In what _arguments and _describe take, a colon and brackets mean something.
    const auto described = [](std::string_view text) {
        std::string plain;
        for (const char letter : text) {
            if (letter == ':' || letter == '[' || letter == ']') plain += '\\';
            plain += letter;
        }
        return quoted(plain, "'\\''");
    };
    const auto action = [](const OptionOutline& option) {
        if (option.takes_path) return std::string("_files");
        // ID[,ID]. What begins with a blank is called as it is.
        if (option.value.find("[,") != std::string_view::npos) {
            return fmt::format(" _sequence compadd - {}", joined(option.choices, " "));
        }
        return option.choices.empty() ? std::string() : fmt::format("({})", joined(option.choices, " "));
    };
    std::string text = R"(#compdef backup-remediation
# Completion of backup-remediation for zsh. Made by 'backup-remediation completion zsh'.
_backup_remediation() {
    local -a commands=(
)";
    for (const auto& command : outlines) {
        text += fmt::format("        '{}:{}'\n", command.word, described(command.summary));
    }
    text += R"(        'help:Say more about a command.'
    )
    if ((CURRENT == 2)); then
        _describe command commands
        return
    fi
    local command=${words[2]}
    shift words
    ((CURRENT--))
    case $command in
)";
    for (const auto& command : outlines) {
        text += fmt::format("        {})\n            _arguments '--help[Show this.]'", command.word);
        for (const auto& option : command.options) {
            const auto value =
                option.value.empty() ? std::string() : fmt::format(":{}:{}", described(option.value), action(option));
            text += fmt::format(" \\\n                '{}[{}]{}'", option.name, described(option.help), value);
        }
        if (!command.choices.empty()) {
            text += fmt::format(" \\\n                '1:{}:({})'", described(command.operand),
                                joined(command.choices, " "));
        }
        text += "\n            ;;\n";
    }
    text += R"(        help) _describe command commands ;;
    esac
}
_backup_remediation "$@"
)";
    return text;
}

std::string powershell(const std::vector<CommandOutline>& outlines) {
    const auto list = [](const std::vector<std::string>& words) {
        return words.empty() ? std::string("@()") : fmt::format("@('{}')", joined(words, "', '"));
    };
    std::string text =
        R"(# Completion of backup-remediation for PowerShell. Made by 'backup-remediation completion powershell'.
Register-ArgumentCompleter -Native -CommandName backup-remediation, backup-remediation.exe -ScriptBlock {
    param($current, $line, $position)
    $values = @{
)";
    for (const auto& option : all_options(outlines)) {
        if (!option.choices.empty()) text += fmt::format("        '{}' = {}\n", option.name, list(option.choices));
    }
    text += "    }\n    $commands = [ordered] @{\n";
    for (const auto& command : outlines) {
        auto words = option_words(command);
        words.insert(words.begin(), command.choices.begin(), command.choices.end());
        text += fmt::format("        '{}' = {}\n", command.word, list(words));
    }
    text += fmt::format("        'help' = {}\n    }}\n", list(words_of(outlines)));
    text +=
        R"(    $before = @($line.CommandElements | Where-Object { $_.Extent.EndOffset -lt $position } | ForEach-Object { "$_" })
    $words = if ($before.Count -lt 2) {
        @($commands.Keys) + '--help', '--version'
    } elseif ($values.ContainsKey($before[-1])) {
        $values[$before[-1]]
    } else {
        $commands[$before[1]]
    }
    $words | Where-Object { $_ -like "$current*" } | ForEach-Object {
        [Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_)
    }
}
)";
    return text;
}

/// Escapes text for roff: a dot or a quote at the start of a line would be a command, and a hyphen a dash.
std::string roff(std::string_view text) {
    std::string result;
    for (const char letter : text) {
        if (letter == '\\' || letter == '-') result += '\\';
        if ((letter == '.' || letter == '\'') && result.empty()) result += "\\&";
        result += letter == '\\' ? 'e' : letter;
    }
    return result;
}

}  // namespace

std::string completion_script(std::string_view shell) {
    const auto outlines = outline();
    if (shell == "bash") return bash(outlines);
    return shell == "zsh" ? zsh(outlines) : powershell(outlines);
}

std::string manual_page() {
    auto text = fmt::format(R"(.\" Made by 'backup-remediation manual'.
.TH BACKUP\-REMEDIATION 1 "" "backup\-remediation {}" "Azure Backup"
.SH NAME
backup\-remediation \- finds out why Azure Backup of this VM fails, and repairs it
.SH SYNOPSIS
.B backup\-remediation
.I COMMAND
.RI [ OPTIONS ]
.SH DESCRIPTION
A backup runs through six layers:
)",
                            roff(BACKUP_REMEDIATION_VERSION));
    std::vector<std::string> layers;
    for (const auto layer : remediations::all_layers) layers.emplace_back(to_string(layer));
    text += roff(joined(layers, ", ")) +
            ".\nAll are diagnosed, and the cause that explains the failure is named. Run it as root or "
            "administrator.\n.SH COMMANDS\n";
    for (const auto& command : outline()) {
        text += fmt::format(".SS {}{}{}\n{}\n.PP\n{}\n", command.word, command.operand.empty() ? "" : " ",
                            roff(command.operand), roff(command.summary), roff(command.details));
        for (const auto& option : command.options) {
            text += fmt::format(".TP\n.B {}{}{}\n{}\n", roff(option.name), option.value.empty() ? "" : " ",
                                roff(option.value), roff(option.help));
        }
        text += ".PP\nExamples:\n.nf\n";
        for (const auto& example : command.examples) text += "    " + roff(example) + "\n";
        text += ".fi\n";
    }
    text += ".SH EXIT STATUS\n";
    for (const auto& [code, meaning] : exit_codes()) text += fmt::format(".TP\n.B {}\n{}\n", code, roff(meaning));
    text += R"(.SH FILES
.TP
.I /var/lib/backup\-remediation
Journal of what was changed, and quarantine.
.SH ENVIRONMENT
.TP
.B NO_COLOR
Not empty: no colours.
)";
    return text;
}

}  // namespace handler
