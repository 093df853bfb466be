#include "remediations/guest_agent/agent_configuration.hpp"

#include <algorithm>
#include <boost/algorithm/string/predicate.hpp>
#include <boost/algorithm/string/trim.hpp>
#include <optional>

namespace remediations {

using machine::ErrorKind;
using machine::Result;

namespace {

constexpr const char* places[] = {"/etc/waagent.conf", "/usr/share/defaults/waagent/waagent.conf"};

struct Setting {
    std::string_view key;
    std::string_view value;  ///< between '=' and '#' or the end of the line, untrimmed
};

std::optional<Setting> setting_of(std::string_view line) {
    const auto equals = line.find('=');
    if (line.starts_with('#') || equals == std::string_view::npos) return std::nullopt;
    const auto rest = line.substr(equals + 1);
    return Setting{boost::algorithm::trim_copy(line.substr(0, equals)), rest.substr(0, rest.find('#'))};
}

/// The agent strips quotes and blanks, then any white space.
std::string effective(std::string_view value) {
    const auto inner = boost::algorithm::trim_copy_if(value, boost::is_any_of("\" "));
    return std::string(boost::algorithm::trim_copy(inner));
}

template <class Visit>
void each_line(std::string_view text, Visit visit) {
    for (std::size_t number = 1; !text.empty(); ++number) {
        const auto end = std::min(text.find('\n'), text.size());
        visit(number, text.substr(0, end), text.substr(end, 1));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
}

}  // namespace

Result<AgentConfiguration> AgentConfiguration::read(const machine::Machine& machine) {
    for (const auto* path : places) {
        auto text = machine.files().read(path);
        if (text) return AgentConfiguration(path, std::move(*text));
        if (text.error().kind != ErrorKind::not_found) return text.error();
    }
    return machine::Error{ErrorKind::not_found, std::string(places[0]) + " does not exist", 0};
}

AgentConfiguration AgentConfiguration::parse(machine::Path path, std::string text) {
    return {std::move(path), std::move(text)};
}

std::vector<AgentConfiguration::Line> AgentConfiguration::lines_of(std::string_view key) const {
    std::vector<Line> lines;
    each_line(text_, [&](std::size_t number, std::string_view line, std::string_view) {
        const auto setting = setting_of(line);
        if (setting && setting->key == key) {
            lines.push_back({number, std::string(key), effective(setting->value), std::string(line)});
        }
    });
    return lines;
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

machine::Path agent_library_folder(const machine::Machine& machine) {
    constexpr auto usual = "/var/lib/waagent";
    const auto configuration = AgentConfiguration::read(machine);
    return configuration ? configuration->text_of("Lib.Dir", usual) : usual;
}

}  // namespace remediations
