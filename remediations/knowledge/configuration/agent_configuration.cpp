#include "remediations/knowledge/configuration/agent_configuration.hpp"

#include <algorithm>
#include <boost/algorithm/string/predicate.hpp>
#include <boost/algorithm/string/trim.hpp>
#include <optional>

#include "remediations/machine/process_list.hpp"

namespace remediations {

using machine::ErrorKind;
using machine::Result;

namespace {

constexpr const char* places[] = {"/etc/waagent.conf", "/usr/share/defaults/waagent/waagent.conf",
                                  "/usr/share/oem/waagent.conf"};

struct Setting {
    std::string key;
    std::string_view value;  ///< between '=' and '#' or the end of the line, untrimmed
};

std::optional<Setting> setting_of(std::string_view line) {
    const auto equals = line.find('=');
    if (line.starts_with('#') || equals == std::string_view::npos) return std::nullopt;
    const auto rest = line.substr(equals + 1);
    return Setting{std::string(boost::algorithm::trim_copy(line.substr(0, equals))), rest.substr(0, rest.find('#'))};
}

/// Removes quotes and blanks, then any white space, like the agent.
std::string effective(std::string_view value) {
    const auto inner = boost::algorithm::trim_copy_if(value, boost::is_any_of("\" "));
    return std::string(boost::algorithm::trim_copy(inner));
}

/// Returns the file of the running agent's "-configuration-path:<file>" or "--configuration-path=<file>"; empty where
/// it has none, or the processes are not known.
std::string path_of_running_agent(const machine::Machine& machine) {
    constexpr std::string_view option = "configuration-path";
    if (machine.facts().platform != machine::Platform::linux) return {};
    const auto& processes = machine.derived<machine::ProcessList>().processes();
    if (!processes) return {};
    for (const auto& process : *processes) {
        const auto is_agent = [](const std::string& word) {
            return word.ends_with("/waagent") || word.find("WALinuxAgent-") != std::string::npos;
        };
        if (!process.of_system || std::ranges::none_of(process.command_line, is_agent)) continue;
        for (const std::string_view word : process.command_line) {
            const auto name = word.substr(std::min(word.find_first_not_of('-'), word.size()));
            if (!name.starts_with(option) || name.size() < option.size() + 2) continue;
            const auto path = name.substr(option.size() + 1);
            if (path.starts_with('/')) return std::string(path);
        }
    }
    return {};
}

/// Searched once, because the path does not change while the process runs.
struct ConfigurationOfRunningAgent {
    explicit ConfigurationOfRunningAgent(const machine::Machine& machine) : path(path_of_running_agent(machine)) {}
    machine::Path path;
};

template <class Visit>
void each_line(std::string_view text, Visit visit) {
    for (std::size_t number = 1; !text.empty(); ++number) {
        const auto end = std::min(text.find('\n'), text.size());
        visit(number, text.substr(0, end), text.substr(end, 1));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
}

}  // namespace

namespace {

struct ReadOnce {
    explicit ReadOnce(const machine::Machine& machine) : configuration(AgentConfiguration::read(machine)) {}
    Result<AgentConfiguration> configuration;
};

}  // namespace

const Result<AgentConfiguration>& AgentConfiguration::of(const machine::Machine& machine) {
    return machine.derived<ReadOnce>().configuration;
}

Result<AgentConfiguration> AgentConfiguration::read(const machine::Machine& machine) {
    if (const auto& path = machine.derived<ConfigurationOfRunningAgent>().path; !path.empty()) {
        auto text = machine.files().read(path);
        if (text) return AgentConfiguration(path, std::move(*text));
        if (text.error().kind != ErrorKind::not_found && text.error().kind != ErrorKind::not_captured) {
            return text.error();
        }
    }
    for (const auto* path : places) {
        auto text = machine.files().read(path);
        if (text) return AgentConfiguration(path, std::move(*text));
        if (text.error().kind != ErrorKind::not_found) return text.error();
    }
    return machine::Error::not_found(std::string(places[0]) + " does not exist");
}

AgentConfiguration AgentConfiguration::parse(machine::Path path, std::string text) {
    return {std::move(path), std::move(text)};
}

std::vector<AgentConfiguration::Line> AgentConfiguration::lines() const {
    std::vector<Line> lines;
    each_line(text_, [&](std::size_t number, std::string_view line, std::string_view) {
        if (const auto setting = setting_of(line)) {
            lines.push_back({number, setting->key, effective(setting->value), std::string(line)});
        }
    });
    return lines;
}

std::vector<AgentConfiguration::Line> AgentConfiguration::lines_of(std::string_view key) const {
    auto found = lines();
    std::erase_if(found, [&](const Line& line) { return line.key != key; });
    return found;
}

bool AgentConfiguration::is_on(std::string_view key, bool otherwise) const {
    const auto lines = lines_of(key);
    if (lines.empty()) return otherwise;
    if (boost::iequals(lines.back().value, "y")) return true;
    if (boost::iequals(lines.back().value, "n")) return false;
    return otherwise;
}

std::string AgentConfiguration::text_of(std::string_view key, const std::string& otherwise) const {
    const auto lines = lines_of(key);
    return lines.empty() || lines.back().value == "None" ? otherwise : lines.back().value;
}

std::string AgentConfiguration::with_value(std::string_view key, std::string_view value) const {
    std::string edited;
    each_line(text_, [&](std::size_t, std::string_view line, std::string_view end) {
        const auto setting = setting_of(line);
        if (setting && setting->key == key) {
            const auto before = line.substr(0, line.find('=') + 1);
            const auto after = line.substr(before.size() + setting->value.size());
            edited.append(before).append(value);
            if (!after.empty()) edited.append(" ");  // a comment follows
            edited.append(after);
            if (after.empty() && line.ends_with('\r')) edited.append("\r");
        } else {
            edited.append(line);
        }
        edited.append(end);
    });
    return edited;
}

std::string AgentConfiguration::with_setting(std::string_view key, std::string_view value) const {
    auto edited = with_value(key, value);
    if (!lines_of(key).empty()) return edited;
    if (!edited.empty() && !edited.ends_with('\n')) edited.append("\n");
    return edited.append(key).append("=").append(value).append("\n");
}

std::string AgentConfiguration::without_trailing_comments() const {
    std::string edited;
    each_line(text_, [&](std::size_t, std::string_view line, std::string_view end) {
        const auto setting = setting_of(line);
        auto kept = line;
        if (setting) {
            kept =
                line.substr(0, static_cast<std::size_t>(setting->value.data() - line.data()) + setting->value.size());
            if (kept.size() < line.size()) kept = boost::algorithm::trim_right_copy(kept);
        }
        edited.append(kept).append(end);
    });
    return edited;
}

machine::Path agent_library_folder(const machine::Machine& machine) {
    constexpr auto usual = "/var/lib/waagent";
    const auto& configuration = AgentConfiguration::of(machine);
    return configuration ? configuration->text_of("Lib.Dir", usual) : usual;
}

}  // namespace remediations
