#include "remediations/knowledge/windows/windows_paths.hpp"

#include <algorithm>
#include <array>
#include <boost/algorithm/string/find.hpp>
#include <boost/algorithm/string/predicate.hpp>
#include <boost/algorithm/string/trim.hpp>
#include <optional>

namespace remediations {

using machine::Machine;
using machine::Path;

namespace {

std::string drive_of(const Machine& machine) {
    const auto& drive = machine.facts().system_drive;
    return drive.empty() ? "C:" : drive;
}

std::string setting(const Machine& machine, const char* key, const char* name, const std::string& otherwise) {
    const auto value = machine.registry().value(key, name);
    const auto* text = value ? std::get_if<std::string>(&value->data) : nullptr;
    const bool is_folder = text && text->size() > 3 && (*text)[1] == ':' && (*text)[2] == '\\';
    return is_folder ? *text : otherwise;
}

/// Returns nullopt for an unknown variable.
std::optional<std::string> value_of(const Machine& machine, std::string_view variable) {
    constexpr auto version_key = R"(HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion)";
    if (boost::iequals(variable, "SystemRoot") || boost::iequals(variable, "windir")) return windows_folder(machine);
    if (boost::iequals(variable, "SystemDrive")) return drive_of(machine);
    if (boost::iequals(variable, "ProgramData") || boost::iequals(variable, "ALLUSERSPROFILE")) {
        return drive_of(machine) + R"(\ProgramData)";
    }
    if (boost::iequals(variable, "ProgramFiles")) {
        return setting(machine, version_key, "ProgramFilesDir", drive_of(machine) + R"(\Program Files)");
    }
    if (boost::iequals(variable, "CommonProgramFiles")) {
        return setting(machine, version_key, "CommonFilesDir", drive_of(machine) + R"(\Program Files\Common Files)");
    }
    return std::nullopt;
}

}  // namespace

Path windows_folder(const Machine& machine) {
    return setting(machine, R"(HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion)", "SystemRoot",
                   drive_of(machine) + R"(\Windows)");
}

Path system_folder(const Machine& machine) {
    return windows_folder(machine) + R"(\System32)";
}

std::string expand_variables(const Machine& machine, std::string_view text) {
    std::string expanded;
    while (!text.empty()) {
        const auto begin = text.find('%');
        const auto end = begin == text.npos ? text.npos : text.find('%', begin + 1);
        if (end == text.npos) break;
        expanded += text.substr(0, begin);
        const auto value = value_of(machine, text.substr(begin + 1, end - begin - 1));
        // An unknown one keeps its first %; the second may begin the next.
        expanded += value ? *value : std::string(text.substr(begin, end - begin));
        text.remove_prefix(value ? end + 1 : end);
    }
    return expanded.append(text);
}

Path program_of(const Machine& machine, std::string_view command_line) {
    auto text = expand_variables(machine, command_line);
    boost::algorithm::trim(text);
    if (text.starts_with('"')) {
        text = text.substr(1, text.find('"', 1) - 1);
    } else {
        // Folders may have blanks in their names.
        constexpr std::array<std::string_view, 2> endings = {".exe", ".dll"};
        auto end = std::string::npos;
        for (const auto ending : endings) {
            const auto found = boost::algorithm::ifind_first(text, ending);
            if (!found.empty()) end = std::min(end, static_cast<std::size_t>(found.end() - text.begin()));
        }
        text = text.substr(0, end == std::string::npos ? text.find(' ') : end);
    }
    if (boost::istarts_with(text, R"(\SystemRoot\)")) return windows_folder(machine) + text.substr(11);
    if (text.starts_with(R"(\??\)")) return text.substr(4);
    if (text.find('\\') == std::string::npos && !text.empty()) return system_folder(machine) + '\\' + text;
    return text;
}

}  // namespace remediations
